/** What the notes do by hand on a host: stopping and starting PostgreSQL. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';

const run = promisify(execFile);

async function pgCtl(cluster: Cluster, node: ClusterNode, ...args: string[]): Promise<void> {
  const { binDirectory, osUser } = cluster.postgres;
  const data = node.dataDirectory ?? cluster.postgres.dataDirectory;
  const command = [`${binDirectory}/pg_ctl`, '-D', data, '-w', '-s', ...args];
  const [program = '', ...rest] = process.getuid?.() === 0 ? ['runuser', '-u', osUser, '--', ...command] : command;
  // In the host's directory, which is what makes the process one of the host's.
  await run(program, rest, { cwd: `${data}/..`, timeout: 60_000 });
}

/** `pg_stop` of the notes: a fast shutdown. */
export function stopPostgres(cluster: Cluster, node: ClusterNode): Promise<void> {
  return pgCtl(cluster, node, '-m', 'fast', 'stop');
}

/** `pg_start` of the notes. */
export function startPostgres(cluster: Cluster, node: ClusterNode): Promise<void> {
  const data = node.dataDirectory ?? cluster.postgres.dataDirectory;
  return pgCtl(cluster, node, '-l', `${data}.runbook/postgresql.log`, 'start');
}
