/**
 * An application that survives a change of the primary: writes numbered rows to whichever node accepts them and keeps
 * the numbers of those that were acknowledged. Afterwards they must all be there.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { LocalCluster } from './host-access.ts';
import { hostConnection } from './host-connection.ts';
import { superuserSql } from './node-sql.ts';

/** Its role exists in rehearsals and tests only. */
const password = 'only-for-rehearsals';

/** A write that hangs for longer is given up: its outcome is unknown, and another node may accept writes by now. */
const longestWriteMilliseconds = 1000;

/** A session as an application's, with the server's own settings. */
export async function applicationSession(
  cluster: LocalCluster,
  node: LocalCluster['nodes'][number],
): Promise<pg.Client> {
  const client = new pg.Client({
    ...(await hostConnection(cluster, node)),
    user: 'ledger',
    password,
    database: 'postgres',
    connectionTimeoutMillis: 700,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Makes the role and the tables on the primary, where missing. */
export async function makeLedger(cluster: LocalCluster, primary: LocalCluster['nodes'][number]): Promise<void> {
  await superuserSql(
    cluster,
    primary,
    `do $$ begin if to_regrole('ledger') is null then create role ledger login password '${password}'; end if; end $$;
     create table if not exists ledger (id bigint, at timestamptz default clock_timestamp());
     create table if not exists probe (node text, at timestamptz default clock_timestamp());
     grant all on ledger, probe to ledger`,
  );
}

/** A commit that came back because its wait was cancelled is on no standby: PostgreSQL only warns. */
export async function durably(client: pg.Client, statement: string, values: unknown[]): Promise<boolean> {
  let warned = false;
  const onNotice = () => {
    warned = true;
  };
  client.on('notice', onNotice);
  try {
    await client.query(statement, values);
  } finally {
    client.off('notice', onNotice);
  }
  return !warned;
}

/** A time without an acknowledged row that was longer than usual. */
export interface Gap {
  /** Milliseconds since the epoch of the last row before it and the first after it. */
  readonly from: number;
  readonly to: number;
}

export class LedgerWriter implements AsyncDisposable {
  readonly #cluster: LocalCluster;
  readonly #intervalMilliseconds: number;
  readonly #acknowledged: number[] = [];
  #client: pg.Client | undefined;
  #next: number;
  #stopping = false;
  #lastAcknowledged = Date.now();
  #longest: Gap = { from: 0, to: 0 };
  #running: Promise<void> = Promise.resolve();

  private constructor(cluster: LocalCluster, intervalMilliseconds: number, first: number) {
    this.#cluster = cluster;
    this.#intervalMilliseconds = intervalMilliseconds;
    this.#next = first;
  }

  /** @param first number of its first row: several writers must not share numbers */
  static start(cluster: LocalCluster, intervalMilliseconds = 100, first = 0): LedgerWriter {
    const writer = new LedgerWriter(cluster, intervalMilliseconds, first);
    writer.#running = writer.#write();
    return writer;
  }

  /** Numbers of the rows whose commit was acknowledged. */
  get acknowledged(): readonly number[] {
    return this.#acknowledged;
  }

  /** Time of the last acknowledged row, in milliseconds since the epoch. */
  get lastAcknowledged(): number {
    return this.#lastAcknowledged;
  }

  /** The longest time without an acknowledged row since this was last asked. */
  takeLongestGap(): Gap {
    const longest = this.#longest;
    this.#longest = { from: 0, to: 0 };
    return longest;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    await this.#client?.end().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #write(): Promise<void> {
    while (!this.#stopping) {
      const started = Date.now();
      const id = this.#next++;
      if (await this.#attempt(id)) {
        const now = Date.now();
        this.#acknowledged.push(id);
        if (now - this.#lastAcknowledged > this.#longest.to - this.#longest.from)
          this.#longest = { from: this.#lastAcknowledged, to: now };
        this.#lastAcknowledged = now;
        await pause(Math.max(0, this.#intervalMilliseconds - (now - started)));
      } else {
        await pause(10);
      }
    }
  }

  /** Writes one row; false when nobody acknowledged it. */
  async #attempt(id: number): Promise<boolean> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    if (client === undefined) return false;
    const givenUp = new AbortController();
    try {
      return await Promise.race([
        durably(client, 'insert into ledger (id) values ($1)', [id]),
        pause(longestWriteMilliseconds, false, { signal: givenUp.signal }).then(() => {
          throw new Error('given up');
        }),
      ]);
    } catch {
      this.#client = undefined;
      // Not by saying goodbye: the session may hang.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      return false;
    } finally {
      givenUp.abort();
    }
  }

  /** A session on the node that says it accepts writes, as `target_session_attrs=read-write` finds it. */
  async #connect(): Promise<pg.Client | undefined> {
    const sessions = await Promise.all(
      this.#cluster.nodes.map(async (node) => {
        try {
          const client = await applicationSession(this.#cluster, node);
          const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
          if (rows[0]?.standby === false) return client;
          await client.end();
        } catch {
          // Not this one.
        }
        return undefined;
      }),
    );
    const [first, ...others] = sessions.filter((client) => client !== undefined);
    for (const other of others) await other.end().catch(() => undefined);
    return first;
  }
}

/** Acknowledged rows that a node does not have. */
export async function missingRows(
  cluster: LocalCluster,
  node: LocalCluster['nodes'][number],
  acknowledged: readonly number[],
): Promise<number[]> {
  const there = new Set((await superuserSql(cluster, node, 'select id from ledger', 60)).split('\n').map(Number));
  return acknowledged.filter((id) => !there.has(id));
}
