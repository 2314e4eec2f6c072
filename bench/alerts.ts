/** Time from a fault to the mail about it, over faults at random moments, with a writer running. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { startPostgres, stopPostgres } from '../local/client/host-power.ts';
import { Writer } from '../local/client/writer.ts';
import { killAll, processesOf } from '../local/hosts/host-processes.ts';
import type { Latency } from '../local/pace/pace.ts';
import { median, percentile } from './measure.ts';
import { type RunningCluster, withRunningCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

interface Fault {
  readonly name: string;
  /** Counts among the faults that a single check can prove. */
  readonly provable: boolean;
  readonly subject: RegExp;
  readonly make: (running: RunningCluster) => Promise<void>;
  readonly repair: (running: RunningCluster) => Promise<void>;
}

const first = ({ nodes }: RunningCluster): ClusterNode => {
  const [standby] = nodes.standbys;
  if (standby === undefined) throw new RangeError('the cluster has no standby');
  return standby;
};

function signal(running: RunningCluster, node: ClusterNode, name: NodeJS.Signals): void {
  for (const { pid } of processesOf(running.hostOf(node))) process.kill(pid, name);
}

const faults: readonly Fault[] = [
  {
    name: 'the synchronous standby is stopped',
    provable: true,
    subject: /^WARNING .*slave01/,
    make: (running) => stopPostgres(running.cluster, first(running)),
    repair: (running) => startPostgres(running.cluster, first(running)),
  },
  {
    name: 'the synchronous standby is killed',
    provable: true,
    subject: /^WARNING .*slave01/,
    make: (running) => killAll(running.hostOf(first(running))),
    repair: (running) => startPostgres(running.cluster, first(running)),
  },
  {
    name: 'the primary is killed',
    provable: true,
    subject: /^CRITICAL .*master/,
    make: (running) => killAll(running.hostOf(running.nodes.primary)),
    repair: (running) => startPostgres(running.cluster, running.nodes.primary),
  },
  {
    name: 'the synchronous standby hangs (SIGSTOP)',
    provable: false,
    subject: /slave01/,
    make: async (running) => signal(running, first(running), 'SIGSTOP'),
    repair: async (running) => signal(running, first(running), 'SIGCONT'),
  },
];

/** Seconds from the fault to the moment at which the mail was delivered. */
async function secondsToMail(running: RunningCluster, { name, subject, make, repair }: Fault): Promise<number> {
  const { cluster, mailbox, directory } = running;
  const { checkIntervalSeconds } = cluster.monitoring;
  await running.forgetIncidents();
  await pause(Math.random() * checkIntervalSeconds * 1000);
  const started = Date.now();
  try {
    await make(running);
    const [mail] = await mailbox.next(name, 3 * checkIntervalSeconds + 120);
    if (mail === undefined || !subject.test(mail.subject)) throw new Error(`${name}: the mail says ${mail?.subject}`);
    return (statSync(join(directory, 'mail', mail.file)).mtimeMs - started) / 1000;
  } finally {
    await repair(running);
    await running.untilReplicating();
  }
}

/** @param count faults that a single check can prove, of each kind as many; a third as many hangs come on top */
export async function alertFigures(count: number, checkIntervalSeconds: number, latency: Latency): Promise<void> {
  const kinds = faults.filter(({ provable }) => provable).length;
  const seconds = new Map<Fault, number[]>(faults.map((fault) => [fault, []]));
  await withRunningCluster({ monitoring: { checkIntervalSeconds }, latency }, async (running) => {
    const writer = await Writer.start(running.cluster, running.nodes.primary);
    await running.untilReplicating();
    for (let round = 0; round < Math.ceil(count / kinds); round += 1) {
      for (const fault of faults) {
        const took = await secondsToMail(running, fault);
        seconds.get(fault)?.push(took);
        console.error(`round ${round + 1}: ${fault.name}: ${took.toFixed(1)} s`);
      }
    }
    await writer.stop();
  });
  const row = (name: string, all: readonly number[]) => [
    name,
    `${all.length}`,
    Math.min(...all),
    median(all),
    percentile(all, 0.95),
    Math.max(...all),
  ];
  const provable = faults.filter((fault) => fault.provable).flatMap((fault) => seconds.get(fault) ?? []);
  console.log(`From the fault to the mail, checks every ${checkIntervalSeconds} s, latency ${latency}:`);
  printTable(
    ['fault', 'times', 'min s', 'median s', 'p95 s', 'max s'],
    [...faults.map((fault) => row(fault.name, seconds.get(fault) ?? [])), row('all but hangs', provable)],
  );
}
