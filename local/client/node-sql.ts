/** SQL on a process host: as the superuser over its Unix socket, the way a DBA on the host does. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';

const run = promisify(execFile);

/**
 * Runs SQL through psql as the operating system user of PostgreSQL; rows are lines, columns are separated by `|`.
 *
 * @throws Error with psql's words
 */
export async function superuserSql(
  cluster: Cluster,
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
  const asRoot = process.getuid?.() === 0;
  const [program, ...args] = asRoot ? ['runuser', '-u', osUser, '--', ...psql] : psql;
  const { stdout } = await run(program ?? '', args, { timeout: timeoutSeconds * 1000, cwd: '/' });
  return stdout.trimEnd();
}

/** The node of that name. */
export function nodeNamed(cluster: Cluster, name: string): ClusterNode {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw new Error(`${cluster.name} has no node ${name}`);
  return node;
}
