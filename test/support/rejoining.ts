/** A cluster of which one node after the other falls out and rejoins. */
import { join } from 'node:path';
import type { RejoinReport } from '../../lambdas/contract/rejoin.ts';
import { asPostgresUser, dataDirectoryOf, hostPath, onHost } from '../../local/client/host-access.ts';
import { startPostgres, stopAsByCrash, stopPostgres } from '../../local/client/host-power.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from './clusters.ts';
import { LocalRuntime } from './local-runtime.ts';

export const master = 'pg_sync_master';
export const slave01 = 'pg_sync_slave01';
export const slave02 = 'pg_sync_slave02';
export const allNodes = [master, slave01, slave02] as const;

/** What the rejoin runbook was asked for, besides the node. */
export type RejoinInput = { readonly dryRun?: boolean; readonly allowRebuild?: boolean };

export class RejoiningCluster implements AsyncDisposable {
  readonly runtime: LocalRuntime;
  /** The node that is the primary at the moment. */
  primary: string = master;

  private constructor(runtime: LocalRuntime) {
    this.runtime = runtime;
  }

  /** The notes' cluster, set up. WAL is kept as little as the schema allows, so that it can be made to be gone. */
  static async start(
    overrides: Parameters<typeof notesCluster>[0] = {},
    alerts?: { readonly emails: readonly string[] },
  ): Promise<RejoiningCluster> {
    const postgres = { walKeepSegments: 16, slotKeepSegments: 16, ...overrides.postgres };
    const configured = { ...notesCluster({ ...overrides, postgres }), ...(alerts === undefined ? {} : { alerts }) };
    const cluster = new RejoiningCluster(await LocalRuntime.start({ clusters: [configured] }));
    const outcome = await runRunbook(cluster.runtime.clients, 'pg-sync', 'setup', 240);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`setup: ${outcome.error}: ${outcome.cause}`);
    return cluster;
  }

  node(name: string) {
    return nodeNamed(this.runtime.cluster, name);
  }

  sql(name: string, statement: string, seconds?: number): Promise<string> {
    return superuserSql(this.runtime.cluster, this.node(name), statement, seconds);
  }

  /** A path in the data directory of a node, as this process sees it. */
  data(name: string, ...path: string[]): string {
    const { cluster } = this.runtime;
    return join(hostPath(cluster, this.node(name), dataDirectoryOf(cluster, this.node(name))), ...path);
  }

  /** Everything of ours and of PostgreSQL on a node's host. */
  home(name: string): string {
    return join(this.data(name), '..');
  }

  /** The lock that a command holds on a node's host, as this process sees it. */
  lock(name: string): string {
    const { cluster, directory } = this.runtime;
    const path = join(`${cluster.name}.${name}`, 'lock');
    if (cluster.machinesIn === undefined) return join(directory, 'memory', name, path);
    return hostPath(cluster, this.node(name), join('/var/lib/pg-sync-runbooks', path));
  }

  /** Runs a program on a node's host as PostgreSQL's user. */
  async asPostgres(name: string, command: readonly string[]): Promise<void> {
    const { cluster } = this.runtime;
    await onHost(cluster, this.node(name), asPostgresUser(cluster, command));
  }

  stop(name: string): Promise<void> {
    return stopPostgres(this.runtime.cluster, this.node(name));
  }

  /** Stops PostgreSQL without a checkpoint. */
  crash(name: string): Promise<void> {
    return stopAsByCrash(this.runtime.cluster, this.node(name));
  }

  /** Starts PostgreSQL as it is, as somebody would by hand. */
  start(name: string): Promise<void> {
    return startPostgres(this.runtime.cluster, this.node(name));
  }

  async restart(name: string): Promise<void> {
    await this.stop(name);
    await this.start(name);
  }

  /** Makes a standby the primary by hand, while the one before is stopped or does not know of it. */
  async promote(name: string): Promise<void> {
    await this.sql(name, 'select pg_promote()');
    this.primary = name;
  }

  /** Waits until both standbys have all that the primary has written. */
  async settle(): Promise<void> {
    const settled = 'select count(*) filter (where replay_lsn = pg_current_wal_lsn()) from pg_stat_replication';
    await waitForSql(this.runtime.cluster, this.node(this.primary), settled, '2', 20);
  }

  /** Rows that commit without waiting for any standby. */
  async write(name: string, table: string, rows = 10): Promise<void> {
    await this.sql(
      name,
      `set synchronous_commit = local; create table if not exists ${table} (id int); insert into ${table} select generate_series(1, ${rows})`,
    );
  }

  /** Has the primary write so much WAL, and recycle it, that nothing is left of what it had written before. */
  async loseWal(): Promise<void> {
    for (let segment = 0; segment < 18; segment += 1) {
      await this.sql(
        this.primary,
        `set synchronous_commit = local; select pg_logical_emit_message(false, 'x', 'x'); select pg_switch_wal()`,
      );
    }
    await this.sql(this.primary, 'checkpoint', 60);
  }

  rejoin(name: string, input: RejoinInput = {}, seconds = 120): Promise<RunbookOutcome> {
    return runRunbook(this.runtime.clients, 'pg-sync', 'rejoin', seconds, undefined, { node: name, ...input });
  }

  /** Rejoins a node; its report. */
  async rejoined(name: string, input: RejoinInput = {}): Promise<RejoinReport> {
    const outcome = await this.rejoin(name, input);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`rejoin of ${name}: ${outcome.error}: ${outcome.cause}`);
    return outcome.output as unknown as RejoinReport;
  }

  /** Rejoin refuses or fails; with which error. */
  async refused(name: string, input: RejoinInput = {}): Promise<{ error: string; cause: string }> {
    const outcome = await this.rejoin(name, input);
    if (outcome.status === 'SUCCEEDED')
      throw new Error(`rejoin of ${name} was not refused: ${JSON.stringify(outcome)}`);
    return outcome;
  }

  /** Waits until the standbys stream as they should, the first one synchronously: `name|state|sync_state` each. */
  async replicates(): Promise<void> {
    const standbys = allNodes.filter((name) => name !== this.primary);
    const wanted = standbys.map((name, index) => `${name}|streaming|${index === 0 ? 'sync' : 'potential'}`).join('\n');
    const seen = 'select application_name, state, sync_state from pg_stat_replication order by sync_priority';
    await waitForSql(this.runtime.cluster, this.node(this.primary), seen, wanted, 20);
  }

  /** A commit that waits for the synchronous standby. */
  async commits(): Promise<void> {
    await this.sql(
      this.primary,
      'begin; set local synchronous_commit = on; create table durable (); drop table durable; commit',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime[Symbol.asyncDispose]();
  }
}
