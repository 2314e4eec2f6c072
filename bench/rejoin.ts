/** Time of each method of the rejoin runbook, and of a rewind typed by hand on the same machine in the same run. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { asPostgresUser, dataDirectoryOf, hostPath, onHost } from '../local/client/host-access.ts';
import { startPostgres, stopAsByCrash, stopPostgres } from '../local/client/host-power.ts';
import { superuserSql } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import type { Latency } from '../local/pace/pace.ts';
import { median } from './measure.ts';
import { type RunningCluster, withRunningCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

/** About 100 MB of data: what a rebuild copies and a rewind mostly leaves. */
const bulkRows = 90_000;

class Rejoins {
  readonly #running: RunningCluster;
  primary: ClusterNode;
  readonly seconds = new Map<string, number[]>();

  constructor(running: RunningCluster) {
    this.#running = running;
    this.primary = running.nodes.primary;
  }

  get standbys(): ClusterNode[] {
    return this.#running.cluster.nodes.filter((node) => node !== this.primary);
  }

  sql(node: ClusterNode, statement: string): Promise<string> {
    return superuserSql(this.#running.cluster, node, `set synchronous_commit = local; ${statement}`, 300);
  }

  data(node: ClusterNode, ...path: string[]): string {
    const { cluster } = this.#running;
    return join(hostPath(cluster, node, dataDirectoryOf(cluster, node)), ...path);
  }

  /** Runs one of PostgreSQL's programs on a node's host, in the host's directory. */
  async program(node: ClusterNode, name: string, ...args: string[]): Promise<void> {
    const { cluster } = this.#running;
    const command = asPostgresUser(cluster, [`${cluster.postgres.binDirectory}/${name}`, ...args]);
    await onHost(cluster, node, ['sh', '-c', 'cd "$0" && exec "$@"', `${this.data(node)}/..`, ...command], 600);
  }

  stop(node: ClusterNode): Promise<void> {
    return stopPostgres(this.#running.cluster, node);
  }

  start(node: ClusterNode): Promise<void> {
    return startPostgres(this.#running.cluster, node);
  }

  note(what: string, seconds: number): void {
    this.seconds.set(what, [...(this.seconds.get(what) ?? []), seconds]);
  }

  /** Rejoins a node and notes how long the whole runbook took. */
  async rejoin(node: ClusterNode, method: string): Promise<void> {
    const { clients, cluster } = this.#running;
    const outcome = await runRunbook(clients, cluster.name, 'rejoin', 600, undefined, { node: node.name });
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
    if (outcome.output.method !== method) throw new Error(`${node.name}: ${outcome.output.method}, not ${method}`);
    this.note(method, outcome.seconds);
  }

  async streams(node: ClusterNode): Promise<void> {
    const query = `select 1 from pg_stat_replication where application_name = '${node.name}' and state = 'streaming'`;
    await waitFor(`stream of ${node.name}`, 60, async () => (await this.sql(this.primary, query)) === '1', 20);
  }

  /** The primary crashes with WAL that nobody else has, and a standby takes over; gives the former primary. */
  async diverge(): Promise<ClusterNode> {
    const [successor, other] = this.standbys;
    if (successor === undefined || other === undefined) throw new Error('the cluster has too few nodes');
    const former = this.primary;
    await this.stop(successor);
    await this.stop(other);
    await this.sql(
      former,
      'create table if not exists fork (id int); insert into fork select generate_series(1, 10000)',
    );
    await stopAsByCrash(this.#running.cluster, former);
    await this.start(successor);
    await this.sql(successor, 'select pg_promote()');
    this.primary = successor;
    await this.start(other);
    await this.rejoin(other, 'follow');
    await this.sql(
      successor,
      'create table if not exists onwards (id int); insert into onwards select generate_series(1, 10000)',
    );
    return former;
  }

  /** What a person types: no plan, no copy of the fork, no check beyond that it streams. */
  async rewindByHand(node: ClusterNode): Promise<void> {
    const file = this.data(node, 'postgresql.auto.conf');
    const own = readFileSync(file, 'utf8').match(/^(?:port|listen_addresses|unix_socket_directories) = .*$/gm) ?? [];
    const { user } = this.#running.cluster.replication;
    const { address, port } = this.primary;
    const started = performance.now();
    await this.sql(this.primary, 'checkpoint');
    const source = `host=${address} port=${port ?? this.#running.cluster.postgres.port} user=${user} dbname=postgres passfile=${this.data(node)}.runbook/pgpass application_name=${node.name}`;
    await this.program(node, 'pg_rewind', '-D', this.data(node), '-R', `--source-server=${source}`);
    appendFileSync(file, `${[...own, "primary_slot_name = ''"].join('\n')}\n`);
    await this.start(node);
    await this.streams(node);
    this.note('rewind by hand', (performance.now() - started) / 1000);
  }
}

/** Prints the median and the longest of each method. */
export async function rejoinFigures(rounds: number, latency: Latency): Promise<void> {
  await withRunningCluster({ latency }, async (running) => {
    const rejoins = new Rejoins(running);
    await rejoins.sql(
      rejoins.primary,
      `create table bulk as select g as id, repeat(md5(g::text), 31) as text from generate_series(1, ${bulkRows}) g`,
    );
    await rejoins.sql(rejoins.primary, 'checkpoint');
    for (let round = 0; round < rounds; round += 1) {
      const [, standby] = rejoins.standbys;
      if (standby === undefined) throw new Error('the cluster has too few nodes');
      await rejoins.rejoin(standby, 'none');
      await rejoins.stop(standby);
      await rejoins.rejoin(standby, 'start');
      await rejoins.stop(standby);
      writeFileSync(rejoins.data(standby, 'global/pg_control'), Buffer.alloc(8192, 'x'));
      await rejoins.rejoin(standby, 'rebuild');
      await rejoins.rejoin(await rejoins.diverge(), 'rewind');
      const former = await rejoins.diverge();
      await rejoins.rewindByHand(former);
      // Its settings are not the runbook's yet.
      await rejoins.rejoin(former, 'follow');
    }
    const rows = [...rejoins.seconds].map(([what, all]) => [what, median(all), Math.max(...all)]);
    printTable([`rejoin, latency ${latency}`, 'median s', 'longest s'], rows, 1);
  });
}
