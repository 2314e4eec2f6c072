/** Tries to write to every node at short intervals: proves that at most one of them acknowledges commits at a time. */
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { LocalCluster } from './host-access.ts';
import { applicationSession, durably } from './ledger.ts';

const intervalMilliseconds = 100;

/** A commit that a node acknowledged. Times are milliseconds since the epoch. */
export interface AcknowledgedWrite {
  readonly node: string;
  readonly sent: number;
  readonly acknowledged: number;
}

export class WriteProbe implements AsyncDisposable {
  readonly #cluster: LocalCluster;
  #writes: AcknowledgedWrite[] = [];
  #attempts = 0;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(cluster: LocalCluster) {
    this.#cluster = cluster;
  }

  static start(cluster: LocalCluster): WriteProbe {
    const probe = new WriteProbe(cluster);
    probe.#running = Promise.all(cluster.nodes.map((node) => probe.#watch(node)));
    return probe;
  }

  /** What was acknowledged since this was last asked. */
  take(): AcknowledgedWrite[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }

  /** Attempts to write, on any node. */
  get attempts(): number {
    return this.#attempts;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.race([this.#running, pause(2000)]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** One write at a time per node: one that hangs is not acknowledged, and is waited for in case it is later. */
  async #watch(node: LocalCluster['nodes'][number]): Promise<void> {
    let client: pg.Client | undefined;
    let broken = new Promise<never>(() => undefined);
    let outstanding = false;
    while (!this.#stopping) {
      if (!outstanding) {
        outstanding = true;
        const attempt = async () => {
          this.#attempts += 1;
          if (client === undefined) {
            const session = await applicationSession(this.#cluster, node);
            broken = new Promise<never>((_, reject) => {
              session.once('end', () => reject(new Error('the connection ended')));
            });
            broken.catch(() => undefined);
            client = session;
          }
          const sent = Date.now();
          const done = await Promise.race([
            durably(client, 'insert into probe (node) values ($1)', [node.name]),
            broken,
          ]);
          if (done) this.#writes.push({ node: node.name, sent, acknowledged: Date.now() });
        };
        attempt()
          .catch((error: { code?: string }) => {
            // A standby says no and stays connected; anything else needs a new session.
            if (error.code === '25006') return;
            client?.end().catch(() => undefined);
            client = undefined;
          })
          .finally(() => {
            outstanding = false;
          });
      }
      await pause(intervalMilliseconds);
    }
    client?.end().catch(() => undefined);
  }
}

/**
 * Writes that a node acknowledged although it had been sent after another node had begun to acknowledge: each is a moment
 * with two writable nodes. The primary may change between them, once per call.
 */
export function writesBesideAnother(writes: readonly AcknowledgedWrite[]): AcknowledgedWrite[] {
  const last = writes.toSorted((a, b) => a.acknowledged - b.acknowledged).at(-1);
  if (last === undefined) return [];
  const begun = Math.min(...writes.filter(({ node }) => node === last.node).map(({ acknowledged }) => acknowledged));
  return writes.filter(({ node, acknowledged }) => node !== last.node && acknowledged > begun);
}
