/**
 * `npm run bench:failovers -- [--latency aws] [COUNT [SERIES]]`: failovers under load. While applications write the primary's PostgreSQL is killed and
 * its host can be reached, or the host loses its power, and in the third series comes back during the failover or right
 * after it; the failover runbook is started.
 * What must hold: no acknowledged row is lost, and never do two nodes acknowledge writes at the same time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { killPostmaster } from '../local/client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { primariesOf } from '../local/client/node-sql.ts';
import { waitFor } from '../local/client/wait-for.ts';
import { WriteProbe, writesBesideAnother } from '../local/client/write-probe.ts';
import { latencies } from '../local/pace/pace.ts';
import { Campaign, type Node, spread } from './campaign.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { latency: { type: 'string', default: 'none' } },
});
const latency = latencies.find((known) => known === values.latency);
if (latency === undefined) throw new Error(`--latency takes ${latencies.join(', ')}`);
const count = Number(positionals[0] ?? 20);
/** Words of the title of the only series to be run. */
const only = positionals[1] ?? '';
const writerCount = 4;
const writeIntervalMilliseconds = 20;

interface Run {
  readonly runbookSeconds: number;
  /** From the start of the runbook to the first row that was acknowledged after it. */
  readonly startToWritable: number;
  /** From the last row before the crash to the first one after it. */
  readonly gap: number;
  readonly rows: number;
  readonly lost: number;
  readonly doubleWrites: number;
  readonly back: string;
}

/** What happens to the primary. */
interface Crash {
  readonly title: string;
  readonly happens: (campaign: Campaign, primary: Node) => Promise<void>;
  /** Seconds from the start of the runbook to the host's return; null: not before the failover is over. */
  readonly hostReturns: () => number | null;
}

const cutPower = (campaign: Campaign, primary: Node) => campaign.cutPower(primary);
const crashes: readonly Crash[] = [
  {
    title: 'PostgreSQL is killed',
    happens: (campaign, primary) => killPostmaster(campaign.cluster, primary),
    hostReturns: () => null,
  },
  { title: 'host stays down', happens: cutPower, hostReturns: () => null },
  { title: 'host comes back meanwhile or right after', happens: cutPower, hostReturns: () => Math.random() * 4 },
];

async function failOver(campaign: Campaign, series: number, { happens, hostReturns }: Crash): Promise<Run> {
  const { cluster } = campaign;
  const [primary, another] = await primariesOf(campaign.cluster);
  if (primary === undefined || another !== undefined) throw new Error('there is not exactly one primary');
  const writers = Array.from({ length: writerCount }, (_, index) =>
    LedgerWriter.start(cluster, writeIntervalMilliseconds, (series * writerCount + index) * 1_000_000),
  );
  const probe = WriteProbe.start(cluster);
  try {
    await waitFor('rows', 20, () => writers.every(({ acknowledged }) => acknowledged.length > 10));
    // Long enough for the checker to have looked at it.
    await pause(1500 + Math.random() * 1000);
    const lastBefore = Math.max(...writers.map(({ lastAcknowledged }) => lastAcknowledged));
    await happens(campaign, primary);
    const started = Date.now();
    const comesBackAfter = hostReturns();
    const returning =
      comesBackAfter === null ? undefined : pause(comesBackAfter * 1000).then(() => campaign.boot(primary));
    const outcome = await campaign.succeed('failover', {});
    const successor = campaign.node(`${outcome.output.primary}`);
    const ended = Date.now();
    await waitFor('rows on the new primary', 30, () =>
      writers.every(({ lastAcknowledged }) => lastAcknowledged > ended),
    );
    await returning;
    // The old host is back: whatever it is able to do, it may do now.
    if (comesBackAfter !== null) await pause(3000);
    for (const writer of writers) await writer.stop();
    await probe.stop();
    const firstAfter = Math.min(...writers.map((writer) => writer.takeLongestGap().to));
    const acknowledged = writers.flatMap((writer) => writer.acknowledged);
    const lost = await missingRows(cluster, successor, acknowledged);
    const doubleWrites = writesBesideAnother(probe.take());
    const back = await campaign.bringBack(primary);
    await campaign.healthy(successor);
    return {
      runbookSeconds: outcome.seconds,
      startToWritable: (firstAfter - started) / 1000,
      gap: (firstAfter - lastBefore) / 1000,
      rows: acknowledged.length,
      lost: lost.length,
      doubleWrites: doubleWrites.length,
      back,
    };
  } finally {
    for (const writer of writers) await writer.stop();
    await probe.stop();
  }
}

const campaign = await Campaign.start({ latency });
let failed = false;
try {
  const [first] = await primariesOf(campaign.cluster);
  if (first === undefined) throw new Error('setup left no primary');
  await makeLedger(campaign.cluster, first);
  const table = new Table({
    head: ['failovers', 'seconds from', 'min', 'median', 'p95', 'max'],
    style: { head: [], border: [] },
  });
  let series = 0;
  for (const crash of crashes.filter(({ title }) => title.includes(only))) {
    const { title } = crash;
    const runs: Run[] = [];
    for (let index = 0; index < count; index += 1) {
      const run = await failOver(campaign, series++, crash);
      runs.push(run);
      console.log(
        `${title} ${index + 1}/${count}: runbook ${run.runbookSeconds.toFixed(2)} s, writable after ${run.startToWritable.toFixed(2)} s, ${run.rows} rows acknowledged, ${run.lost} lost, ${run.doubleWrites} on two nodes at once; old primary back by ${run.back}`,
      );
    }
    const sum = (figure: (run: Run) => number) => runs.reduce((total, run) => total + figure(run), 0);
    const cells = (figure: (run: Run) => number) => spread(runs.map(figure));
    table.push([
      `${count}: ${title}`,
      'runbook start to first acknowledged row',
      ...cells((run) => run.startToWritable),
    ]);
    table.push(['', 'crash to first acknowledged row', ...cells((run) => run.gap)]);
    table.push(['', 'runbook start to its end', ...cells((run) => run.runbookSeconds)]);
    const [lost, double] = [sum((run) => run.lost), sum((run) => run.doubleWrites)];
    table.push([
      '',
      {
        colSpan: 5,
        content: `${sum((run) => run.rows)} rows acknowledged, ${lost} lost, ${double} acknowledged by two nodes at once`,
      },
    ]);
    failed ||= lost > 0 || double > 0;
  }
  console.log(`${table}`);
} finally {
  await campaign.stop();
}
process.exit(failed ? 1 : 0);
