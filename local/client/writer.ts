/** A client that writes a row every 100 ms, as an application does, and knows how long each write took. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { LocalCluster } from './host-access.ts';
import { hostConnection } from './host-connection.ts';
import { superuserSql } from './node-sql.ts';

/** Its role exists in rehearsals and tests only. */
const password = 'only-for-rehearsals';
const intervalMilliseconds = 100;

/** What a writer has seen since it was last asked. */
export interface WriterReport {
  /** Longest time from the first attempt at a row to its acknowledgement, reconnecting included. */
  readonly longestMilliseconds: number;
  readonly commits: number;
  /** Attempts at a row that failed and were repeated. */
  readonly failures: number;
}

/** Writes rows one after the other until it is stopped; connects again whenever its connection breaks. */
export class Writer implements AsyncDisposable {
  readonly #connection: () => Promise<pg.ClientConfig>;
  #client: pg.Client | undefined;
  #stopping = false;
  #row = 0;
  #attemptStarted = performance.now();
  #longest = 0;
  #commits = 0;
  #failures = 0;
  #running: Promise<void> = Promise.resolve();

  private constructor(connection: () => Promise<pg.ClientConfig>) {
    this.#connection = connection;
  }

  /**
   * Makes a role and a table on the primary, where missing, and starts writing.
   *
   * @param options.waits false for one whose commits wait for no standby: what slows it down is the machine
   */
  static async start(
    cluster: LocalCluster,
    primary: ClusterNode,
    { waits = true }: { readonly waits?: boolean } = {},
  ): Promise<Writer> {
    await superuserSql(
      cluster,
      primary,
      `set synchronous_commit = local;
       do $$ begin if to_regrole('writer') is null then create role writer login password '${password}'; end if; end $$;
       create table if not exists written (id bigint, at timestamptz);
       grant all on written to writer`,
    );
    const writer = new Writer(async () => ({
      ...(await hostConnection(cluster, primary)),
      user: 'writer',
      password,
      database: 'postgres',
      connectionTimeoutMillis: 1000,
      options: `-c synchronous_commit=${waits ? 'on' : 'local'}`,
    }));
    await writer.#attempt();
    writer.#running = writer.#write();
    return writer;
  }

  /** What happened since this was last asked; a write that still waits counts with the time it has waited. */
  report(): WriterReport {
    const waiting = this.#stopping ? 0 : performance.now() - this.#attemptStarted;
    const report = {
      longestMilliseconds: Math.max(this.#longest, waiting),
      commits: this.#commits,
      failures: this.#failures,
    };
    this.#longest = 0;
    this.#commits = 0;
    this.#failures = 0;
    return report;
  }

  /** Ends writing after the row that is under way. */
  async stop(): Promise<WriterReport> {
    this.#stopping = true;
    await this.#running;
    await this.#client?.end().catch(() => undefined);
    return this.report();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #write(): Promise<void> {
    while (!this.#stopping) {
      this.#attemptStarted = performance.now();
      while (!(await this.#attempt()) && !this.#stopping) await pause(20);
      const took = performance.now() - this.#attemptStarted;
      this.#longest = Math.max(this.#longest, took);
      await pause(Math.max(0, intervalMilliseconds - took));
      this.#attemptStarted = performance.now();
    }
  }

  /** Writes one row; false when that failed and is to be tried again. */
  async #attempt(): Promise<boolean> {
    try {
      if (this.#client === undefined) {
        const client = new pg.Client(await this.#connection());
        client.on('error', () => undefined);
        await client.connect();
        this.#client = client;
      }
      await this.#client.query('insert into written values ($1, clock_timestamp())', [this.#row]);
      this.#row += 1;
      this.#commits += 1;
      return true;
    } catch {
      this.#client = undefined;
      this.#failures += 1;
      return false;
    }
  }
}
