/** What hosts that are machines take: time to boot, alone and three at once, and memory, idle and with PostgreSQL. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import type { ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { superuserSql } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import { whyNoMachines } from '../local/hosts/machines/why-no-machines.ts';
import { median } from './measure.ts';
import { type RunningCluster, withCluster } from './running-cluster.ts';
import { printTable } from './table.ts';

const pollMilliseconds = 10;

/** Cuts the power of these machines and switches it on again; seconds until each is up, its agent included. */
async function boot({ clients }: RunningCluster, nodes: readonly ClusterNode[]): Promise<number[]> {
  const InstanceIds = nodes.map(({ instanceId }) => instanceId);
  const are = async (wanted: string) => {
    const { Reservations } = await clients.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    const found = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
    return found.filter(({ State }) => State?.Name === wanted).map(({ InstanceId }) => InstanceId);
  };
  await clients.ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true }));
  await waitFor('power cut', 30, async () => (await are('stopped')).length === nodes.length, pollMilliseconds);
  const started = performance.now();
  await clients.ec2.send(new StartInstancesCommand({ InstanceIds }));
  const seconds = new Map<string | undefined, number>();
  await waitFor(
    'boot',
    120,
    async () => {
      for (const id of await are('running')) {
        if (!seconds.has(id)) seconds.set(id, (performance.now() - started) / 1000);
      }
      return seconds.size === nodes.length;
    },
    pollMilliseconds,
  );
  return [...seconds.values()];
}

/** The same of one machine; seconds until its PostgreSQL answers. */
async function bootToSql(running: RunningCluster, node: ClusterNode): Promise<number> {
  const [up = 0] = await boot(running, [node]);
  const started = performance.now();
  const answer = () => superuserSql(running.cluster, node, 'select 1').catch(() => null);
  await waitFor('answer of PostgreSQL', 60, answer, pollMilliseconds);
  return up + (performance.now() - started) / 1000;
}

/** Megabytes of a machine's processes, what they share with others counted in parts; and how much of it PostgreSQL's are. */
function memoryOf({ directory }: RunningCluster, { name }: ClusterNode): { all: number; postgres: number } {
  const init = Number.parseInt(readFileSync(join(directory, 'nodes', name, 'init.pid'), 'utf8'), 10);
  const namespace = readlinkSync(`/proc/${init}/ns/pid`);
  const memory = { all: 0, postgres: 0 };
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) continue;
      const kilobytes = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      memory.all += kilobytes / 1024;
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('postgres')) memory.postgres += kilobytes / 1024;
    } catch {
      // It ended meanwhile.
    }
  }
  return memory;
}

/** Boots and memory of the machines of `clusters.json`. */
export async function machineFigures(rounds: number): Promise<void> {
  const why = await whyNoMachines();
  if (why !== undefined) {
    console.log(`No machines here: ${why}\n`);
    return;
  }
  await withCluster({ hosts: 'machines' }, async (running) => {
    const { nodes } = running.cluster;
    const memory = () =>
      nodes
        .map((node) => memoryOf(running, node))
        .reduce((a, b) => ({ all: a.all + b.all, postgres: a.postgres + b.postgres }));
    const alone: number[] = [];
    const together: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const node of nodes) alone.push(...(await boot(running, [node])));
      together.push(...(await boot(running, nodes)));
    }
    const idle = memory();
    const outcome = await runRunbook(running.clients, running.cluster.name, 'setup', 300);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
    const setUp = memory();
    const toSql: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const node of nodes) toSql.push(await bootToSql(running, node));
    }
    const row = (what: string, seconds: readonly number[]) => [
      what,
      Math.min(...seconds),
      median(seconds),
      Math.max(...seconds),
    ];
    printTable(
      ['boot of a machine', 'least s', 'median s', 'most s'],
      [row('alone', alone), row('three at once, each', together), row('alone, until PostgreSQL answers', toSql)],
      2,
    );
    printTable(
      [`memory of ${nodes.length} machines`, 'MB', 'of it PostgreSQL MB'],
      [
        ['before setup', idle.all, idle.postgres],
        ['set up', setUp.all, setUp.postgres],
      ],
    );
  });
}
