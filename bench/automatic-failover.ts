/**
 * Automatic failovers under load: time from the crash of the primary's host to the next acknowledged row, and that no
 * acknowledged row is lost. Nobody starts anything: the checker sees it and starts the runbook.
 */
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { StartInstancesCommand } from '@aws-sdk/client-ec2';
import { type ExecutionListItem, paginateListExecutions } from '@aws-sdk/client-sfn';
import type { ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { dropEvents, stopHost } from '../local/client/control.ts';
import { dataDirectoryOf } from '../local/client/host-access.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { primariesOf } from '../local/client/node-sql.ts';
import { runbookArn, runRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import type { Latency } from '../local/pace/pace.ts';
import { median } from './measure.ts';
import { type RunningCluster, withRunningCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

interface Round {
  readonly primary: string;
  readonly successor: string;
  /** From the crash to the next acknowledged row. */
  readonly seconds: number;
  /** From the crash to the start of the runbook's execution. */
  readonly startedAfter: number;
  readonly lost: number;
}

/** @param loseEvents EC2's events of the crash are lost: only the schedule finds it */
export async function automaticFailoverFigures(
  rounds: number,
  interval: number,
  loseEvents: boolean,
  latency: Latency,
): Promise<void> {
  const monitoring = { checkIntervalSeconds: interval };
  const results = await withRunningCluster({ monitoring, policy: { failover: 'automatic' }, latency }, (running) =>
    campaign(running, rounds, interval, loseEvents),
  );
  const seconds = results.map((round) => round.seconds);
  const starts = results.map(({ startedAfter }) => startedAfter);
  console.log(
    `automatic failover, a check every ${interval} s, latency ${latency}${loseEvents ? ', without events of EC2' : ''}`,
  );
  printTable(
    ['', 'median s', 'max s'],
    [
      ['crash to start of the runbook', median(starts), Math.max(...starts)],
      ['crash to the next acknowledged row', median(seconds), Math.max(...seconds)],
    ],
  );
  const lost = results.reduce((sum, round) => sum + round.lost, 0);
  console.log(`${results.length} failovers, ${lost} acknowledged rows lost\n`);
}

async function campaign(
  running: RunningCluster,
  rounds: number,
  interval: number,
  loseEvents: boolean,
): Promise<Round[]> {
  const { cluster } = running;
  await makeLedger(cluster, running.nodes.primary);
  const results: Round[] = [];
  let first = 0;
  for (let round = 1; round <= rounds; round += 1) {
    await running.forgetIncidents();
    const writer = LedgerWriter.start(cluster, 20, first);
    await waitFor('rows', 30, () => writer.acknowledged.length > 50);
    await pause(Math.random() * interval * 1000);
    const result = await failOver(running, await primaryOf(running), writer, loseEvents);
    await writer.stop();
    first = (writer.acknowledged.at(-1) ?? first) + 100_000;
    results.push(result);
    const { primary, successor, seconds, startedAfter, lost } = result;
    console.log(
      `${round}: ${primary} → ${successor} ${seconds.toFixed(1)} s (runbook after ${startedAfter.toFixed(1)} s), ${lost} lost`,
    );
    await bringBack(running, primary);
  }
  return results;
}

async function failOver(
  running: RunningCluster,
  primary: ClusterNode,
  writer: LedgerWriter,
  loseEvents: boolean,
): Promise<Round> {
  const { cluster, endpoint } = running;
  writer.takeLongestGap();
  const before = (await executions(running)).length;
  if (loseEvents) await dropEvents(endpoint, true);
  await stopHost(endpoint, primary.name, 'off');
  const crashed = Date.now();
  if (loseEvents) await dropEvents(endpoint, false);
  await waitFor('rows on another primary', 600, () => writer.lastAcknowledged > crashed + 500);
  const { to } = writer.takeLongestGap();
  const successor = await primaryOf(running);
  const runbooks = await waitFor('the end of the runbook', 600, async () => {
    const all = await executions(running);
    return all.length > before && all.every(({ status }) => status !== 'RUNNING') && all;
  });
  const started = Math.min(
    ...runbooks
      .slice(0, runbooks.length - before)
      .map(({ startDate }) => startDate?.getTime() ?? Number.POSITIVE_INFINITY),
  );
  // Those that are acknowledged while the node is asked are not looked for.
  const acknowledged = [...writer.acknowledged];
  return {
    primary: primary.name,
    successor: successor.name,
    seconds: (to - crashed) / 1000,
    startedAfter: (started - crashed) / 1000,
    lost: (await missingRows(cluster, successor, acknowledged)).length,
  };
}

/** Executions of the failover runbook, newest first. */
async function executions({ clients, cluster }: RunningCluster): Promise<ExecutionListItem[]> {
  const stateMachineArn = await runbookArn(clients, cluster.name, 'failover');
  const all: ExecutionListItem[] = [];
  for await (const page of paginateListExecutions({ client: clients.sfn }, { stateMachineArn })) {
    all.push(...(page.executions ?? []));
  }
  return all.toSorted((a, b) => (b.startDate?.getTime() ?? 0) - (a.startDate?.getTime() ?? 0));
}

async function primaryOf({ cluster }: RunningCluster): Promise<ClusterNode> {
  return waitFor('a primary', 60, async () => {
    const [primary] = await primariesOf(cluster);
    return primary;
  });
}

/** The former primary becomes a standby anew, so that the next round starts from a whole cluster. */
async function bringBack({ cluster, clients }: RunningCluster, name: string): Promise<void> {
  const node = cluster.nodes.find((each) => each.name === name);
  if (node === undefined) throw new RangeError(`there is no ${name}`);
  await clients.ec2.send(new StartInstancesCommand({ InstanceIds: [node.instanceId] }));
  rmSync(dataDirectoryOf(cluster, node), { recursive: true, force: true });
  const outcome = await runRunbook(clients, cluster.name, 'setup', 240);
  if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
}
