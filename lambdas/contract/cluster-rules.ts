/**
 * The rules between values of `clusters.json`.
 *
 * They run even when parts of the file are wrong, so that a DBA sees all problems at once: a rule is given what is
 * right of the file (see {@link Loose}) and says nothing about values that are not there.
 */
import type { Cluster } from './cluster-shape.ts';
import { isLoopback, isPrivate } from './ipv4.ts';
import { requiredWalSenders } from './postgres-settings.ts';
import { slotName } from './slot-name.ts';

export type Path = readonly (string | number)[];
/** Says that the value at `path` breaks the rule `message`. */
export type Report = (path: Path, message: string) => void;

/** `T` of which any part may be missing, at any depth. Elements of arrays keep their places. */
export type Loose<T> = T extends readonly (infer Element)[]
  ? readonly (Loose<Element> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T;

type LooseCluster = Loose<Cluster>;

/** Longest path of a Unix socket: sun_path has 108 bytes and a terminating zero. */
export const longestSocketPath = 107;

/** A path as it is written for people: `nodes[1].address`. */
export function renderPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

/** All rules between values of the whole file; paths begin with the index of the cluster. */
export function checkClusters(clusters: readonly (LooseCluster | undefined)[], report: Report): void {
  clusters.forEach((cluster, index) => {
    if (cluster !== undefined) checkCluster(cluster, (path, message) => report([index, ...path], message));
  });
  const all = clusters.flatMap((cluster, index) => (cluster === undefined ? [] : [{ cluster, index }]));
  const names = new Map<string, number>();
  for (const { cluster, index } of all) {
    const earlier = claim(names, cluster.name, index);
    if (earlier !== undefined) report([index, 'name'], `is the name of clusters[${earlier}] already`);
  }
  checkHostsAcrossClusters(all, report);
  checkSharedGroups(all, report);
  checkSharedChannels(all, report);
}

/**
 * A security group takes a rule once. A second stack that adds it is refused by EC2 (InvalidPermission.Duplicate), or
 * takes the other's for its own and removes it with itself: replication of both would stop.
 */
function checkSharedGroups(all: { cluster: LooseCluster; index: number }[], report: Report): void {
  const opened = new Map<string, { index: number; managed: boolean }>();
  for (const { cluster, index } of all) {
    const { nodeSecurityGroupId: group, securityGroupRules: rules } = cluster.network ?? {};
    if (group === undefined || rules === undefined) continue;
    const ports = new Set((cluster.nodes ?? []).map((node) => portOf(cluster, node)));
    const managed = rules === 'managed';
    let reported = false;
    for (const port of ports) {
      if (port === undefined) continue;
      const key = `${group}:${port}`;
      const earlier = opened.get(key);
      if (earlier === undefined) opened.set(key, { index, managed });
      else if (!reported && (managed || earlier.managed)) {
        reported = true;
        report(
          [index, 'network', 'nodeSecurityGroupId'],
          `and port ${port} are those of clusters[${earlier.index}].network.nodeSecurityGroupId too, and a group takes a rule once: to delete one of the stacks would stop replication of both. Give each cluster a group of its own, or set network.securityGroupRules of both to "yours"`,
        );
      }
    }
  }
}

/**
 * A Slack channel has one configuration in an account, so the second stack fails.
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1155
 */
function checkSharedChannels(all: { cluster: LooseCluster; index: number }[], report: Report): void {
  const channels = new Map<string, number>();
  for (const { cluster, index } of all) {
    const { workspaceId, channelId } = cluster.alerts?.slack ?? {};
    const key = workspaceId && channelId && `${cluster.network?.account} ${workspaceId} ${channelId}`;
    const earlier = claim(channels, key, index);
    if (earlier === undefined) continue;
    report(
      [index, 'alerts', 'slack', 'channelId'],
      `is the channel of clusters[${earlier}] already, and an account can configure a channel once; give each cluster a channel of its own`,
    );
  }
}

/** A host belongs to one cluster: two setups would reconfigure it in turns. */
function checkHostsAcrossClusters(all: { cluster: LooseCluster; index: number }[], report: Report): void {
  const nodesOf = (index: number, cluster: LooseCluster) =>
    (cluster.nodes ?? []).map((node, n) => ({ node, port: portOf(cluster, node), at: [index, 'nodes', n] }));
  const instances = new Map<string, number>();
  const endpoints = new Map<string, number>();
  for (const { cluster, index } of all) {
    for (const { node, port, at } of nodesOf(index, cluster)) {
      const owner = claim(instances, node?.instanceId, index);
      if (owner !== undefined) report([...at, 'instanceId'], `belongs to clusters[${owner}] already`);
      // Addresses of different VPCs may be the same.
      const vpc = cluster.network?.vpcId;
      const known = node?.address !== undefined && port !== undefined && vpc !== undefined;
      const neighbour = claim(endpoints, known ? `${vpc} ${node.address}:${port}` : undefined, index);
      if (neighbour !== undefined) report([...at, 'address'], `belongs to clusters[${neighbour}] already`);
    }
  }
}

/** Notes that `owner` has `key`; returns another owner that has it already. */
function claim(owners: Map<string, number>, key: string | undefined, owner: number): number | undefined {
  if (key === undefined) return undefined;
  const earlier = owners.get(key);
  if (earlier === undefined) owners.set(key, owner);
  return earlier === owner ? undefined : earlier;
}

function checkCluster(cluster: LooseCluster, report: Report): void {
  checkNodeNames(cluster, report);
  checkAddresses(cluster, report);
  checkDirectories(cluster, report);
  checkPostgres(cluster, report);
  checkRoles(cluster, report);
  checkDestinations(cluster, report);
}

function checkNodeNames({ nodes = [] }: LooseCluster, report: Report): void {
  const at = (index: number) => ['nodes', index, 'name'];
  reportDuplicates(
    nodes.map((node, index) => ({ key: node?.name?.toLowerCase(), path: at(index) })),
    'is not unique, and PostgreSQL compares standby names without regard to case',
    report,
  );
  const bySlot = new Map<string, string>();
  nodes.forEach((node, index) => {
    if (node?.name === undefined) return;
    const slot = slotName(node.name);
    const other = bySlot.get(slot);
    if (other === undefined) bySlot.set(slot, node.name);
    else if (other.toLowerCase() !== node.name.toLowerCase()) {
      report(at(index), `maps to the replication slot "${slot}", as "${other}" does`);
    }
  });
}

function checkAddresses({ nodes = [], postgres, replication, network }: LooseCluster, report: Report): void {
  const at = (index: number, key: string) => ['nodes', index, key];
  reportDuplicates(
    nodes.map((node, index) => ({ key: node?.instanceId, path: at(index, 'instanceId') })),
    'is not unique',
    report,
  );
  reportDuplicates(
    nodes.map((node, index) => {
      const port = portOf({ postgres }, node);
      return {
        key: node?.address === undefined || port === undefined ? undefined : `${node.address}:${port}`,
        path: at(index, 'address'),
      };
    }),
    'is not unique',
    report,
  );
  const someElsewhere = nodes.some((node) => node?.address !== undefined && !isLoopback(node.address));
  nodes.forEach((node, index) => {
    for (const key of ['address', 'connectsFrom'] as const) {
      const address = node?.[key];
      if (address === undefined) continue;
      if (isLoopback(address) && someElsewhere) {
        report(at(index, key), 'is the host itself to every host; the other nodes cannot reach it there');
      }
      if (replication?.tls === false && !isLoopback(address) && !isPrivate(address)) {
        report(at(index, key), 'is a public address; replication.tls must be true to replicate to it');
      }
    }
  });
  const subnets = network?.observerSubnets ?? [];
  for (const key of ['subnetId', 'cidr'] as const) {
    reportDuplicates(
      subnets.map((subnet, index) => ({ key: subnet?.[key], path: ['network', 'observerSubnets', index, key] })),
      'is not unique',
      report,
    );
  }
  const region = network?.region;
  subnets.forEach((subnet, index) => {
    if (region !== undefined && subnet?.availabilityZone?.startsWith(region) === false) {
      report(['network', 'observerSubnets', index, 'availabilityZone'], `is not in the region ${region}`);
    }
  });
}

function checkDirectories({ nodes = [], postgres }: LooseCluster, report: Report): void {
  const bin = postgres?.binDirectory;
  const onOneHost = new Map<string, { directory: string; path: Path }[]>();
  /** Checks the directories of one place in the file: `postgres`, or a node that overrides some of them. */
  const check = (own: { dataDirectory?: string | undefined; socketDirectory?: string | undefined }, at: Path) => {
    const data = own.dataDirectory ?? postgres?.dataDirectory;
    const socket = own.socketDirectory ?? postgres?.socketDirectory;
    const dataPath = [...at, 'dataDirectory'];
    const socketPath = [...at, 'socketDirectory'];
    if (own.dataDirectory !== undefined && bin !== undefined && overlap(own.dataDirectory, bin)) {
      report(dataPath, `and postgres.binDirectory (${bin}) must not contain each other`);
    }
    if (data !== undefined && socket !== undefined && isInside(socket, data)) {
      if (own.socketDirectory !== undefined) report(socketPath, `must not be inside the data directory (${data})`);
      else if (own.dataDirectory !== undefined) report(dataPath, `must not contain the socket directory (${socket})`);
    }
  };
  if (postgres !== undefined) check(postgres, ['postgres']);
  nodes.forEach((node, index) => {
    if (node === undefined) return;
    const at = ['nodes', index];
    check(node, at);
    const socket = node.socketDirectory ?? postgres?.socketDirectory;
    const port = portOf({ postgres }, node);
    if (socket !== undefined && port !== undefined) {
      const length = Buffer.byteLength(`${socket}/.s.PGSQL.${port}`);
      const path = node.socketDirectory === undefined ? ['postgres'] : at;
      // Once for the cluster's own directory, not once per node.
      if (length > longestSocketPath && (path === at || index === 0)) {
        report(
          [...path, 'socketDirectory'],
          `is too long: the socket’s path would have ${length} bytes, and Linux allows ${longestSocketPath}`,
        );
      }
    }
    const data = node.dataDirectory ?? postgres?.dataDirectory;
    if (node.address === undefined || data === undefined) return;
    const neighbours = onOneHost.get(node.address) ?? [];
    const clash = neighbours.find(({ directory }) => overlap(directory, data));
    // Without a port of its own the address itself is reported as a duplicate; that says it all.
    if (clash !== undefined && node.port !== undefined) {
      report(
        [...at, node.dataDirectory === undefined ? 'address' : 'dataDirectory'],
        `shares a host and its data directory (${data}) with ${renderPath(clash.path)}; two servers would write the same files`,
      );
    }
    onOneHost.set(node.address, [...neighbours, { directory: data, path: at }]);
  });
  const loopback = nodes.length > 0 && nodes.every((node) => node?.address === undefined || isLoopback(node.address));
  if (!loopback) checkTemporary({ nodes, postgres }, report);
}

/** systemd empties /tmp after 10 days and /var/tmp after 30, files of a running PostgreSQL included. */
function checkTemporary({ nodes = [], postgres }: LooseCluster, report: Report): void {
  const places = [
    { directory: postgres?.dataDirectory, path: ['postgres'] as Path },
    ...nodes.map((node, index) => ({ directory: node?.dataDirectory, path: ['nodes', index] as Path })),
  ];
  for (const { directory, path } of places) {
    if (directory !== undefined && /^\/(?:var\/)?tmp\//.test(directory)) {
      report([...path, 'dataDirectory'], 'is among temporary files, which the system deletes when they are old');
    }
  }
}

function checkPostgres({ nodes = [], postgres, replication }: LooseCluster, report: Report): void {
  const standbys = nodes.length - 1;
  // With fewer than two nodes the number of nodes is the problem, and is reported.
  if (replication?.count !== undefined && standbys >= 1 && replication.count > standbys) {
    report(['replication', 'count'], `must be at most ${standbys}, the number of standbys`);
  }
  const senders = requiredWalSenders(nodes.length);
  if (postgres?.maxWalSenders !== undefined && standbys >= 1 && postgres.maxWalSenders < senders) {
    report(
      ['postgres', 'maxWalSenders'],
      `must be at least ${senders} for ${nodes.length} nodes (two per standby during its base backup, one spare)`,
    );
  }
  if (postgres?.slotKeepSegments === undefined) return;
  if (postgres.majorVersion === 12) {
    report(['postgres', 'slotKeepSegments'], 'has no effect on PostgreSQL 12; leave it out (13 and later have it)');
  } else if (postgres.walKeepSegments !== undefined && postgres.slotKeepSegments < postgres.walKeepSegments) {
    report(['postgres', 'slotKeepSegments'], `must be at least walKeepSegments (${postgres.walKeepSegments})`);
  }
}

function checkRoles({ postgres, replication, monitoring }: LooseCluster, report: Report): void {
  if (monitoring?.user !== undefined && monitoring.user === replication?.user) {
    report(['monitoring', 'user'], 'must differ from replication.user');
  }
  if (postgres?.osUser === undefined) return;
  for (const [section, user] of [
    ['replication', replication?.user],
    ['monitoring', monitoring?.user],
  ] as const) {
    if (user === postgres.osUser) report([section, 'user'], 'must differ from postgres.osUser, the superuser');
  }
}

function checkDestinations({ alerts }: LooseCluster, report: Report): void {
  for (const key of ['emails', 'httpEndpoints'] as const) {
    reportDuplicates(
      (alerts?.[key] ?? []).map((value, index) => ({ key: value?.toLowerCase(), path: ['alerts', key, index] })),
      'is not unique; every alert would be sent twice',
      report,
    );
  }
}

/** Reports every key that equals an earlier one, naming the path of the earlier one. */
function reportDuplicates(values: { key: string | undefined; path: Path }[], rule: string, report: Report): void {
  const first = new Map<string, Path>();
  for (const { key, path } of values) {
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, path);
    else report(path, `${rule} (${renderPath(earlier)} has it already)`);
  }
}

/** The port of a node; undefined when the one it should have is not valid. */
function portOf(cluster: Pick<LooseCluster, 'postgres'>, node: Loose<Cluster['nodes'][number]> | undefined) {
  return node?.port ?? cluster.postgres?.port;
}

const isInside = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);
const overlap = (a: string, b: string): boolean => isInside(a, b) || isInside(b, a);
