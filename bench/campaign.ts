/** What campaigns share: a runtime with a cluster that is set up, whose hosts lose their power and come back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import exampleClusters from '../clusters.json' with { type: 'json' };
import type { RunbookName } from '../lambdas/contract/names.ts';
import { type LocalClients, localClients } from '../local/client/aws-clients.ts';
import { checkerItem, checkerKnows, checkerState } from '../local/client/checker-state.ts';
import { dataDirectoryOf, hostPath, type LocalCluster, localClusters } from '../local/client/host-access.ts';
import { stopPostgres } from '../local/client/host-power.ts';
import type { Mailbox } from '../local/client/mailbox.ts';
import { waitForSql } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import type { HostKind } from '../local/hosts/hosting.ts';
import type { Latency } from '../local/pace/pace.ts';
import { freePort } from './running-cluster.ts';

export type Node = LocalCluster['nodes'][number];

/** A runtime that is killed has to come up again within this. */
const readyMilliseconds = 300_000;

/** What a campaign's runtime is started with. */
export interface CampaignOptions {
  /** Sets the notes' cluster up first. */
  readonly setUp?: boolean;
  readonly hosts?: HostKind;
  readonly latency?: Latency;
  readonly checkIntervalSeconds?: number;
}

export class Campaign {
  readonly cluster: LocalCluster;
  readonly clients: LocalClients;
  readonly endpoint: string;
  readonly directory: string;
  readonly #command: readonly string[];
  #runtime: ChildProcess;

  private constructor(runtime: ChildProcess, directory: string, command: readonly string[], endpoint: string) {
    const [cluster] = localClusters(directory);
    if (cluster === undefined) throw new Error('clusters.json holds no cluster');
    this.cluster = cluster;
    this.clients = localClients(endpoint, cluster.network.region);
    this.#runtime = runtime;
    this.directory = directory;
    this.endpoint = endpoint;
    this.#command = command;
  }

  /** Starts a runtime of its own and sets the notes' cluster up in it, unless told not to. */
  static async start(options: CampaignOptions = {}): Promise<Campaign> {
    const { setUp = true, hosts = 'processes', latency = 'none', checkIntervalSeconds = 5 } = options;
    const directory = mkdtempSync(join(tmpdir(), 'campaign-'));
    chmodSync(directory, 0o755);
    const file = join(directory, 'input.json');
    const monitoring = { checkIntervalSeconds };
    writeFileSync(file, JSON.stringify(exampleClusters.map((cluster) => ({ ...cluster, monitoring }))));
    const port = await freePort();
    const main = ['local/main.ts', '--clusters', file, '--port', `${port}`, '--dir', directory];
    main.push('--hosts', hosts, '--latency', latency);
    const command = ['local/reaper.pl', process.execPath, ...main];
    const runtime = await startRuntime(command);
    const campaign = new Campaign(runtime, directory, command, `http://127.0.0.1:${port}`);
    try {
      if (setUp) await campaign.succeed('setup', {});
      return campaign;
    } catch (error) {
      await campaign.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const exit = once(this.#runtime, 'exit');
    this.#runtime.kill('SIGTERM');
    await exit;
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Kills the runtime, and with it every host, and starts it again: the hosts boot. */
  async restartKilled(): Promise<void> {
    const exit = once(this.#runtime, 'exit');
    process.kill(Number.parseInt(readFileSync(join(this.directory, 'runtime.pid'), 'utf8'), 10), 'SIGKILL');
    await exit;
    this.#runtime = await startRuntime(this.#command);
  }

  node(name: string): Node {
    const node = this.cluster.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  run(runbook: RunbookName, input: object) {
    return runRunbook(this.clients, this.cluster.name, runbook, 300, undefined, input);
  }

  async succeed(runbook: RunbookName, input: object) {
    const outcome = await this.run(runbook, input);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${runbook}: ${outcome.error}: ${outcome.cause}`);
    return outcome;
  }

  /** SIGKILL of everything on the host, at once. */
  async cutPower({ instanceId }: Node): Promise<void> {
    await this.clients.ec2.send(new StopInstancesCommand({ InstanceIds: [instanceId], SkipOsShutdown: true }));
  }

  /** Boots the host: PostgreSQL starts if it is enabled. A host that is still stopping is waited for. */
  async boot({ instanceId }: Node): Promise<void> {
    const state = async () => {
      const { Reservations } = await this.clients.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
      return Reservations?.[0]?.Instances?.[0]?.State?.Name;
    };
    await waitFor(`${instanceId} to run`, 300, async () => {
      const now = await state();
      if (now === 'stopped') await this.clients.ec2.send(new StartInstancesCommand({ InstanceIds: [instanceId] }));
      return now === 'running';
    });
  }

  /** Makes a node a standby again: by rejoin, or else from nothing. Returns how. */
  async bringBack(node: Node): Promise<string> {
    await this.boot(node);
    const outcome = await this.run('rejoin', { node: node.name, allowRebuild: true });
    if (outcome.status === 'SUCCEEDED') return `rejoin (${outcome.output.method})`;
    await stopPostgres(this.cluster, node).catch(() => undefined);
    const data = hostPath(this.cluster, node, dataDirectoryOf(this.cluster, node));
    if (existsSync(data)) {
      renameSync(data, `${data}.former`);
      rmSync(`${data}.former`, { recursive: true });
    }
    await this.succeed('setup', {});
    return `setup, since rejoin said ${outcome.error}`;
  }

  /** Waits until the checker knows this primary: a failover goes by that. */
  async knows({ name }: Node): Promise<void> {
    await checkerKnows(this.clients, this.cluster.name, name);
  }

  /** Waits until something holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await waitFor(what, 120, holds);
  }

  /** A random moment between two checks. */
  async moment(): Promise<void> {
    await pause(Math.random() * this.cluster.monitoring.checkIntervalSeconds * 1000);
  }

  /** Makes the checker forget everything, and waits until it has seen the cluster healthy. */
  async forgetIncidents(mailbox: Mailbox): Promise<void> {
    await this.clients.dynamodb.send(new DeleteItemCommand(checkerItem(this.cluster.name)));
    await waitFor('a healthy check', 120, async () => {
      const state = await checkerState(this.clients, this.cluster.name);
      if (state === null) return null;
      return state.memory.primary !== null && state.incident === null && Object.keys(state.pending).length === 0;
    });
    await mailbox.unread();
  }

  /** Waits until all others stream from the primary, and commits wait for one of them. */
  async healthy(primary: Node, seconds = 60): Promise<void> {
    const query = `select count(*) filter (where state = 'streaming'), count(*) filter (where sync_state = 'sync')
      from pg_stat_replication`;
    const whole = `${this.cluster.nodes.length - 1}|1`;
    await waitForSql(this.cluster, primary, query, whole, seconds);
  }
}

async function startRuntime(command: readonly string[]): Promise<ChildProcess> {
  const child = spawn('perl', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const deadline = Date.now() + readyMilliseconds;
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  while (!/^Ready/m.test(output)) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`the runtime did not start:\n${output}`);
    await pause(50);
  }
  return child;
}

/** Minimum, median, 95th percentile and maximum, for a table. */
export function spread(figures: readonly number[], digits = 2): string[] {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return [sorted[0] ?? Number.NaN, at(0.5), at(0.95), sorted.at(-1) ?? Number.NaN].map((value) =>
    value.toFixed(digits),
  );
}
