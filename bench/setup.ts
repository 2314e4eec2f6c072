/** Time of the setup runbook against the same steps typed by hand, on the same machine in the same run. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { localClients } from '../local/client/aws-clients.ts';
import { stopAsByCrash } from '../local/client/host-power.ts';
import { superuserSql } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import type { Latency } from '../local/pace/pace.ts';
import { startRuntime } from '../local/runtime.ts';
import { median, timed } from './measure.ts';
import { printTable } from './table.ts';

/** Seconds of both, for one amount of data. */
interface SetupFigures {
  readonly runbookSeconds: number;
  readonly byHandSeconds: number;
}

interface Round {
  readonly empty: SetupFigures;
  readonly withData: SetupFigures;
}

const port = 4590;
const scratch = mkdtempSync(join(tmpdir(), 'bench-'));
chmodSync(scratch, 0o755);
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Runs a shell script as the user that PostgreSQL runs as. */
async function asPostgres(user: string, args: readonly string[]): Promise<{ seconds: number; output: string }> {
  const [program = '', ...rest] = process.getuid?.() === 0 ? ['runuser', '-u', user, '--', ...args] : args;
  return timed(program, rest, { cwd: '/' });
}

/** The yardstick: prints the seconds from the loaded primary to the proven write, and takes the rest as it comes. */
async function byHand(cluster: Cluster, rows: number): Promise<{ whole: number; standbys: number }> {
  const directory = join(scratch, `by-hand-${rows}`);
  mkdirSync(directory);
  if (process.getuid?.() === 0) {
    const { output } = await timed('id', ['-u', cluster.postgres.osUser]);
    chownSync(directory, Number(output), -1);
  }
  const script = resolve('bench/setup-by-hand.sh');
  const { seconds, output } = await asPostgres(cluster.postgres.osUser, [
    script,
    cluster.postgres.binDirectory,
    directory,
    `${port + 1000}`,
    `${rows}`,
  ]);
  rmSync(directory, { recursive: true });
  return { whole: seconds, standbys: Number(/standbys: ([\d.]+)/.exec(output)?.[1]) };
}

async function setUp(cluster: Cluster, endpoint: string): Promise<number> {
  const outcome = await runRunbook(localClients(endpoint, cluster.network.region), cluster.name, 'setup', 900);
  if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
  return outcome.seconds;
}

/**
 * On empty nodes: from nothing to the proven write, by both.
 * With data: the runbook runs on a configured primary that holds `rows` of 1 kB and has lost its standbys.
 */
async function oneRound(rows: number, latency: Latency): Promise<Round> {
  const directory = mkdtempSync(join(scratch, 'runtime-'));
  chmodSync(directory, 0o755);
  const runtime = await startRuntime({ clustersFile: 'clusters.json', port, directory, latency });
  try {
    const [cluster] = runtime.clusters;
    const [primary, ...standbys] = cluster?.nodes ?? [];
    if (cluster === undefined || primary === undefined) throw new Error('clusters.json holds no cluster');
    const empty = {
      runbookSeconds: await setUp(cluster, runtime.endpoint),
      byHandSeconds: (await byHand(cluster, 0)).whole,
    };
    await superuserSql(
      cluster,
      primary,
      `set synchronous_commit = local; create table bulk as select g as id, repeat(md5(g::text), 31) as text from generate_series(1, ${rows}) g`,
      600,
    );
    for (const standby of standbys) {
      const data = standby.dataDirectory ?? '';
      await stopAsByCrash(cluster, standby);
      rmSync(data, { recursive: true });
    }
    const withData = {
      runbookSeconds: await setUp(cluster, runtime.endpoint),
      byHandSeconds: (await byHand(cluster, rows)).standbys,
    };
    return { empty, withData };
  } finally {
    await runtime.stop();
  }
}

/** Prints the median of each of some rounds: what the disk does at the moment changes both by half. */
export async function setupFigures(rounds: number, rows: number, latency: Latency): Promise<void> {
  const all: Round[] = [];
  for (let round = 0; round < rounds; round += 1) all.push(await oneRound(rows, latency));
  const row = (what: string, figures: readonly SetupFigures[]) => {
    const runbook = median(figures.map(({ runbookSeconds }) => runbookSeconds));
    const byHand = median(figures.map(({ byHandSeconds }) => byHandSeconds));
    return [what, runbook, byHand, runbook / byHand];
  };
  printTable(
    [`setup, latency ${latency}`, 'runbook s', 'by hand s', 'ratio'],
    [
      row(
        'three empty nodes',
        all.map(({ empty }) => empty),
      ),
      row(
        'two standbys of 1 GB',
        all.map(({ withData }) => withData),
      ),
    ],
    2,
  );
}
