/** A cluster that a campaign works on: the first one of `clusters.json`, set up and watched by a runtime of its own. */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import type { ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { type LocalClients, localClients } from '../local/client/aws-clients.ts';
import { checkerItem, checkerState } from '../local/client/checker-state.ts';
import { type LocalCluster, localClusters } from '../local/client/host-access.ts';
import { Mailbox } from '../local/client/mailbox.ts';
import { waitForSql } from '../local/client/node-sql.ts';
import { runRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import type { HostKind } from '../local/hosts/hosting.ts';
import type { Latency } from '../local/pace/pace.ts';
import { startRuntime } from '../local/runtime.ts';

export class RunningCluster {
  readonly cluster: LocalCluster;
  readonly clients: LocalClients;
  readonly endpoint: string;
  readonly directory: string;
  readonly mailbox: Mailbox;

  constructor(cluster: LocalCluster, endpoint: string, directory: string) {
    const { region } = cluster.network;
    this.cluster = cluster;
    this.endpoint = endpoint;
    this.directory = directory;
    this.clients = localClients(endpoint, region);
    this.mailbox = new Mailbox(join(directory, 'mail'));
  }

  /** The initial primary, and the standbys in their order. */
  get nodes(): { primary: ClusterNode; standbys: ClusterNode[] } {
    const [primary, ...standbys] = this.cluster.nodes;
    if (primary === undefined) throw new Error('the cluster has no nodes');
    return { primary, standbys };
  }

  /** Directory in which a host's processes run. */
  hostOf({ name }: ClusterNode): string {
    return join(this.directory, 'nodes', name);
  }

  /** Waits until every standby streams, the first one as the synchronous one. */
  async untilReplicating(limitSeconds = 120): Promise<void> {
    const { primary, standbys } = this.nodes;
    const expected = standbys.map(({ name }, index) => `${name}|streaming|${index === 0 ? 'sync' : 'potential'}`);
    const query = 'select application_name, state, sync_state from pg_stat_replication order by sync_priority';
    await waitForSql(this.cluster, primary, query, expected.join('\n'), limitSeconds);
  }

  /**
   * Makes the checker forget everything, as if it had just been deployed, and waits until it has seen the cluster
   * healthy: what comes back shortly after it was over is told later than what is new.
   */
  async forgetIncidents(): Promise<void> {
    await this.clients.dynamodb.send(new DeleteItemCommand(checkerItem(this.cluster.name)));
    await waitFor('a healthy check', 120, async () => {
      const state = await checkerState(this.clients, this.cluster.name);
      if (state === null) return null;
      const { memory, incident, pending } = state;
      return memory.primary !== null && incident === null && Object.keys(pending).length === 0;
    });
    await this.mailbox.unread();
  }
}

/** What a campaign wants of its cluster. */
export interface ClusterOptions {
  readonly monitoring?: object;
  readonly policy?: object;
  /** What hosts are made of; processes when omitted. */
  readonly hosts?: HostKind;
  readonly latency?: Latency;
}

/** Starts a runtime with the example cluster, changed as asked for; works with it, removes everything. */
export async function withCluster<T>(
  { monitoring, policy, hosts = 'processes', latency = 'none' }: ClusterOptions,
  work: (running: RunningCluster) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  chmodSync(directory, 0o755);
  const [example] = JSON.parse(readFileSync('clusters.json', 'utf8'));
  const clustersFile = join(directory, 'clusters.input.json');
  const changed = {
    ...example,
    monitoring: { ...example.monitoring, ...monitoring },
    policy: { ...example.policy, ...policy },
  };
  writeFileSync(clustersFile, JSON.stringify([changed]));
  try {
    const runtime = await startRuntime({ clustersFile, hosts, port: await freePort(), directory, latency });
    try {
      const [cluster] = localClusters(directory);
      if (cluster === undefined) throw new Error('clusters.json holds no cluster');
      return await work(new RunningCluster(cluster, runtime.endpoint, directory));
    } finally {
      await runtime.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same, with the cluster set up. */
export function withRunningCluster<T>(
  options: ClusterOptions,
  work: (running: RunningCluster) => Promise<T>,
): Promise<T> {
  return withCluster(options, async (running) => {
    const outcome = await runRunbook(running.clients, running.cluster.name, 'setup', 300);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
    return work(running);
  });
}

/** A TCP port of 127.0.0.1 that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
