/**
 * Turns clusters for EC2 into clusters for this machine: the same file, with the addresses, ports, directories and
 * service control of hosts that are processes here. Everything else of a cluster stays as it is configured, so what is
 * rehearsed is what would be deployed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Cluster, ClusterNode } from '../lambdas/contract/cluster-config.ts';
import { longestSocketPath } from '../lambdas/contract/cluster-rules.ts';
import { OperatorError } from '../lambdas/contract/errors.ts';
import { loadClusters, parseClusters } from '../lambdas/contract/load-clusters.ts';
import { describeChanges } from './cluster-changes.ts';
import { choosePostgres, findPostgres, type PostgresInstallation } from './postgres-installations.ts';

export interface LocalClustersOptions {
  /** Directory of the runtime; hosts live in `nodes/<name>` below it. */
  readonly directory: string;
  /** Port of the runtime's endpoint: no two runtimes share one, so addresses made from it clash with nobody's. */
  readonly apiPort: number;
  /** Server programs to use for a major version, in preference to installed ones. */
  readonly postgresBins: ReadonlyMap<number, string>;
  /** User that runs PostgreSQL here. */
  readonly osUser: string;
}

export interface LocalClusters {
  readonly clusters: Cluster[];
  /** What was replaced, for people: one aligned line each. */
  readonly replacements: string[];
}

/** Clusters for hosts that are processes of this machine, and what was replaced in them. */
export async function localiseClusters(
  clusters: readonly Cluster[],
  options: LocalClustersOptions,
): Promise<LocalClusters> {
  const installed = findPostgres();
  const placed = placeNodes(clusters, options);
  const before = clustersBefore(options.directory);
  const ports = await Promise.all(placed.map((cluster) => choosePorts(cluster, canBind, before)));
  const local = placed.map((cluster, index) =>
    forProcesses(cluster, choosePostgres(cluster.postgres.majorVersion, options.postgresBins, installed), {
      ports: ports[index] ?? new Map(),
      osUser: options.osUser,
    }),
  );
  return {
    // A directory or user name of this machine can break the file's rules; then this says so.
    clusters: parseClusters(JSON.stringify(local, undefined, 2), `clusters.json, changed for ${options.directory},`),
    replacements: describeChanges(clusters, local),
  };
}

// ---- Addresses and directories --------------------------------------------------------------------------------------

/** First and last number of a node within its runtime's 127.A.B.0/24. */
const firstNumber = 11;
const lastNumber = 250;

/** Longest name that PostgreSQL makes in a socket directory. */
const longestSocketName = '.s.PGSQL.65535.lock';

/** Gives every node of every cluster its address and directories. */
export function placeNodes(
  clusters: readonly Cluster[],
  { directory, apiPort }: Pick<LocalClustersOptions, 'directory' | 'apiPort'>,
): Cluster[] {
  const root = resolve(directory);
  if (!/^[A-Za-z0-9_.+@/-]+$/.test(root)) {
    throw new OperatorError(
      'InvalidInput',
      `the directory "${root}" has characters that the hosts’ scripts do not take`,
      'Give a directory of letters, digits and _ . + @ - with --dir.',
    );
  }
  refuseSharedNames(clusters);
  const all = clusters.flatMap(({ nodes }) => nodes);
  const most = lastNumber - firstNumber + 1;
  if (all.length > most) {
    throw new OperatorError(
      'InvalidClusters',
      `${all.length} nodes are too many for one machine: addresses for ${most} are set aside`,
      'Run the clusters of the file one by one, each from a file of its own.',
    );
  }
  let number = firstNumber;
  return clusters.map((cluster) => ({
    ...cluster,
    nodes: cluster.nodes.map((node) => placeNode(node, root, apiPort, number++)),
  }));
}

function placeNode(node: ClusterNode, root: string, apiPort: number, number: number): ClusterNode {
  return {
    ...node,
    address: `127.${apiPort >> 8}.${apiPort & 0xff}.${number}`,
    // Linux connects to any loopback address from this one.
    connectsFrom: '127.0.0.1',
    dataDirectory: join(root, 'nodes', node.name, 'data'),
    socketDirectory: socketDirectory(root, node.name, number),
  };
}

/** Beside the data directory, unless that is too deep for a socket; then a short one that follows from `root`. */
export function socketDirectory(root: string, name: string, number: number, temporary = tmpdir()): string {
  const own = join(root, 'nodes', name, 'run');
  const fits = (path: string) => Buffer.byteLength(join(path, longestSocketName)) <= longestSocketPath;
  if (fits(own)) return own;
  const short = join(`pg-sync-${createHash('sha256').update(root).digest('hex').slice(0, 10)}`, `${number}`);
  return fits(join(temporary, short)) ? join(temporary, short) : join('/tmp', short);
}

/** Hosts are directories named after their nodes: two nodes of one name would be one host. */
function refuseSharedNames(clusters: readonly Cluster[]): void {
  const owners = new Map<string, string>();
  const clashes: string[] = [];
  clusters.forEach((cluster, c) => {
    cluster.nodes.forEach(({ name }, n) => {
      const owner = owners.get(name.toLowerCase());
      if (owner === undefined) owners.set(name.toLowerCase(), `clusters[${c}].nodes[${n}].name`);
      else clashes.push(`clusters[${c}].nodes[${n}].name: "${name}" is the name of another host (${owner})`);
    });
  });
  if (clashes.length === 0) return;
  throw new OperatorError(
    'InvalidClusters',
    `on one machine, nodes of all clusters need different names:\n${clashes.join('\n')}`,
    'Rename the nodes, or run the clusters of the file one by one, each from a file of its own.',
  );
}

// ---- Ports ----------------------------------------------------------------------------------------------------------

/** Whether `port` can be bound on `address` at the moment; with port 0, the port that the system gives out. */
type Bind = (address: string, port: number) => Promise<number | undefined>;

/** Clusters of an earlier runtime on the directory, as it ran them. */
function clustersBefore(directory: string): readonly Cluster[] {
  const file = join(directory, 'clusters.json');
  try {
    return existsSync(file) ? loadClusters(file) : [];
  } catch (error) {
    // Written by another version of this program, by other rules.
    if (error instanceof OperatorError) return [];
    throw error;
  }
}

/**
 * For every port that the cluster's nodes have, the one to use here: the one that an earlier runtime gave it, since the
 * PostgreSQL on its hosts has it in its settings; else the same if each of its addresses can bind it, else one that is
 * free on all of them.
 *
 * @param before clusters of an earlier runtime on the directory
 */
export async function choosePorts(
  cluster: Cluster,
  bind: Bind,
  before: readonly Cluster[] = [],
): Promise<Map<number, number>> {
  const byPort = new Map<number, ClusterNode[]>();
  for (const node of cluster.nodes) {
    const port = node.port ?? cluster.postgres.port;
    byPort.set(port, [...(byPort.get(port) ?? []), node]);
  }
  const earlier = before.find(({ name }) => name === cluster.name);
  const chosen = new Map<number, number>();
  for (const [port, nodes] of byPort) {
    const same = earlier?.nodes.find(({ name }) => nodes.some((node) => node.name === name));
    const addresses = nodes.map(({ address }) => address);
    if (same !== undefined) chosen.set(port, same.port ?? earlier?.postgres.port ?? port);
    else chosen.set(port, (await isFree(port, addresses, bind)) ? port : await freePort(addresses, bind));
  }
  return chosen;
}

async function isFree(port: number, addresses: readonly string[], bind: Bind): Promise<boolean> {
  const results = await Promise.all(addresses.map((address) => bind(address, port)));
  return results.every((result) => result !== undefined);
}

async function freePort(addresses: readonly string[], bind: Bind): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await bind(addresses[0] ?? '127.0.0.1', 0);
    if (port !== undefined && port >= 1024 && (await isFree(port, addresses, bind))) return port;
  }
  throw new OperatorError(
    'PortInUse',
    `no port is free on all of ${addresses.join(', ')}`,
    'End what listens there, or give the runtime another port with --port: its addresses follow from it.',
  );
}

const canBind: Bind = (address, port) =>
  new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      server.close(() => done(typeof bound === 'object' && bound !== null ? bound.port : undefined));
    });
  });

// ---- The cluster ----------------------------------------------------------------------------------------------------

/** The cluster, whose nodes have been placed, as one of processes. */
function forProcesses(
  cluster: Cluster,
  { majorVersion, binDirectory }: PostgresInstallation,
  { ports, osUser }: { ports: ReadonlyMap<number, number>; osUser: string },
): Cluster {
  const { slotKeepSegments, socketDirectory: _, ...postgres } = cluster.postgres;
  const [first] = cluster.nodes;
  if (first === undefined) return cluster;
  return {
    ...cluster,
    postgres: {
      ...postgres,
      majorVersion,
      binDirectory,
      osUser,
      port: ports.get(postgres.port) ?? postgres.port,
      // Every node has its own; the schema asks for one for all.
      dataDirectory: first.dataDirectory ?? postgres.dataDirectory,
      serviceControl: { kind: 'pg_ctl' },
      listenAddresses: 'address',
      // PostgreSQL 12 has no such bound.
      ...(slotKeepSegments === undefined || majorVersion < 13 ? {} : { slotKeepSegments }),
    },
    nodes: cluster.nodes.map(({ port, ...node }) => ({
      ...node,
      ...(port === undefined ? {} : { port: ports.get(port) ?? port }),
    })),
    network: {
      ...cluster.network,
      // The observer connects from 127.0.0.1; further subnets keep a range of their own.
      observerSubnets: cluster.network.observerSubnets.map((subnet, index) => ({
        ...subnet,
        cidr: `127.0.0.${index + 1}/32`,
      })),
    },
  };
}
