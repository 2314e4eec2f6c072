/** SQL on a host: as the superuser over its Unix socket, the way a DBA on the host does. */
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { asPostgresUser, type LocalCluster, onHost } from './host-access.ts';
import { waitFor } from './wait-for.ts';

/**
 * Runs SQL through psql as the operating system user of PostgreSQL; rows are lines, columns are separated by `|`.
 *
 * @throws Error with psql's words
 */
export async function superuserSql(
  cluster: LocalCluster,
  node: ClusterNode,
  sql: string,
  timeoutSeconds = 15,
): Promise<string> {
  const { binDirectory, osUser, port } = cluster.postgres;
  const socketDirectory = node.socketDirectory ?? cluster.postgres.socketDirectory;
  const psql = [
    `${binDirectory}/psql`,
    ...['-X', '-w', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'],
    ...(socketDirectory === undefined ? [] : ['-h', socketDirectory]),
    ...['-p', `${node.port ?? port}`, '-U', osUser, '-d', 'postgres', '-c', sql],
  ];
  return (await onHost(cluster, node, asPostgresUser(cluster, psql), timeoutSeconds)).trimEnd();
}

/** To ask starts several processes: more often takes from the processors what is waited for. */
const pollMilliseconds = 150;

/**
 * Waits until SQL on a node gives `expected`.
 *
 * @throws Error with what it gave last
 */
export async function waitForSql(
  cluster: LocalCluster,
  node: ClusterNode,
  sql: string,
  expected: string,
  limitSeconds: number,
): Promise<void> {
  let seen = '';
  const isExpected = async () => {
    seen = await superuserSql(cluster, node, sql).catch((error: Error) => error.message);
    return seen === expected;
  };
  const what = `${JSON.stringify(expected)} on ${node.name}`;
  await waitFor(what, limitSeconds, isExpected, pollMilliseconds).catch((error: Error) => {
    throw new Error(`${error.message}; seen last: ${JSON.stringify(seen)}`);
  });
}

/** Nodes that say that they are primaries. One that does not answer says nothing. */
export async function primariesOf(cluster: LocalCluster): Promise<ClusterNode[]> {
  const answers = await Promise.all(
    cluster.nodes.map((node) => superuserSql(cluster, node, 'select pg_is_in_recovery()').catch(() => 'no answer')),
  );
  return cluster.nodes.filter((_, index) => answers[index] === 'f');
}

/** The node of that name. */
export function nodeNamed(cluster: LocalCluster, name: string): ClusterNode {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`${cluster.name} has no node ${name}`);
  return node;
}
