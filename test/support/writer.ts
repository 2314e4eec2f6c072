/** A client that writes a row every 100 ms with synchronous_commit = on, and knows how long each commit took. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { superuserSql } from '../../local/client/node-sql.ts';

const password = 'only-for-this-test';

/** Writes until it is stopped. */
export class Writer {
  readonly #client: pg.Client;
  readonly #delays: number[] = [];
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Makes a role and a table on the primary, and starts writing. */
  static async start(cluster: Cluster, primary: ClusterNode): Promise<Writer> {
    await superuserSql(
      cluster,
      primary,
      `set synchronous_commit = local; create role writer login password '${password}'; create table written (id int, at timestamptz); grant all on written to writer`,
    );
    const client = new pg.Client({
      host: primary.address,
      port: primary.port ?? cluster.postgres.port,
      user: 'writer',
      password,
      database: 'postgres',
      options: '-c synchronous_commit=on',
    });
    client.on('error', () => undefined);
    await client.connect();
    const writer = new Writer(client);
    writer.#running = writer.#write();
    return writer;
  }

  /** Ends writing and returns the longest time that a commit took, in milliseconds, and the number of commits. */
  async stop(): Promise<{ longestMilliseconds: number; commits: number }> {
    this.#stopping = true;
    await this.#running;
    await this.#client.end();
    return { longestMilliseconds: Math.max(...this.#delays), commits: this.#delays.length };
  }

  async #write(): Promise<void> {
    while (!this.#stopping) {
      const started = performance.now();
      await this.#client.query('insert into written values ($1, now())', [this.#delays.length]);
      const delay = performance.now() - started;
      this.#delays.push(delay);
      await pause(Math.max(0, 100 - delay));
    }
  }
}
