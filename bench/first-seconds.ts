/**
 * The first seconds of a new cluster: setup ends, an application writes, and within a second the primary's host loses
 * its power. The failover runbook must find out from what setup has left behind that no commit is lost: checks are a
 * minute apart, so that none of them helps. Ends with an error when a failover fails or loses a row.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { stopHost } from '../local/client/control.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { nodeNamed } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import { median } from './measure.ts';
import { type RunningCluster, withRunningCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

interface Round {
  /** From the end of setup to the loss of power. */
  readonly livedSeconds: number;
  readonly failoverSeconds: number;
  readonly rows: number;
  readonly lost: number;
}

export async function firstSecondsFigures(rounds: number): Promise<void> {
  const results: Round[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    try {
      const result = await withRunningCluster({ monitoring: { checkIntervalSeconds: 60 } }, crash);
      results.push(result);
      const { livedSeconds, failoverSeconds, rows, lost } = result;
      console.log(
        `${round}/${rounds}: the primary lived ${livedSeconds.toFixed(2)} s, failover ${failoverSeconds.toFixed(2)} s, ${rows} rows, ${lost} lost`,
      );
    } catch (error) {
      failures.push(`${round}: ${error instanceof Error ? error.message : error}`);
      console.log(`${round}/${rounds}: FAILED: ${failures.at(-1)}`);
    }
  }
  const figures = (figure: (round: Round) => number) => {
    const all = results.map(figure);
    return [median(all), Math.max(...all)];
  };
  printTable(
    ['setup, then the primary loses its power', 'median s', 'max s'],
    [
      ['end of setup to loss of power', ...figures(({ livedSeconds }) => livedSeconds)],
      ['failover runbook', ...figures(({ failoverSeconds }) => failoverSeconds)],
    ],
  );
  const lost = results.reduce((sum, round) => sum + round.lost, 0);
  console.log(`${results.length} of ${rounds} failovers succeeded, ${lost} acknowledged rows lost\n`);
  if (failures.length > 0 || lost > 0) throw new Error(failures.join('\n') || `${lost} rows are lost`);
}

async function crash({ cluster, clients, endpoint, nodes: { primary } }: RunningCluster): Promise<Round> {
  const setUp = Date.now();
  await makeLedger(cluster, primary);
  const writer = LedgerWriter.start(cluster, 5);
  try {
    await pause(Math.max(0, Math.random() * 900 - (Date.now() - setUp)));
    await stopHost(endpoint, primary.name, 'off');
    const livedSeconds = (Date.now() - setUp) / 1000;
    const outcome = await runRunbook(clients, cluster.name, 'failover', 300);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
    await writer.stop();
    const lost = await missingRows(cluster, nodeNamed(cluster, `${outcome.output.primary}`), writer.acknowledged);
    return {
      livedSeconds,
      failoverSeconds: outcome.seconds,
      rows: writer.acknowledged.length,
      lost: lost.length,
    };
  } finally {
    await writer.stop();
  }
}
