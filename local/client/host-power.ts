/** What the notes do by hand on a host: stopping and starting PostgreSQL; and what ends it without being asked. */
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { asPostgresUser, dataDirectoryOf, type LocalCluster, onHost } from './host-access.ts';

async function pgCtl(cluster: LocalCluster, node: ClusterNode, ...args: string[]): Promise<void> {
  const data = dataDirectoryOf(cluster, node);
  const command = asPostgresUser(cluster, [`${cluster.postgres.binDirectory}/pg_ctl`, '-D', data, '-w', '-s', ...args]);
  // In the host's directory, which is what makes the process one of a host that is made of processes.
  await onHost(cluster, node, ['sh', '-c', 'cd "$0" && exec "$@"', `${data}/..`, ...command]);
}

/** `pg_stop` of the notes: a fast shutdown. */
export async function stopPostgres(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  const { serviceControl } = cluster.postgres;
  if (serviceControl.kind === 'systemd') await onHost(cluster, node, ['systemctl', 'stop', serviceControl.unit]);
  else await pgCtl(cluster, node, '-m', 'fast', 'stop');
}

/** `pg_start` of the notes. */
export async function startPostgres(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  const { serviceControl } = cluster.postgres;
  if (serviceControl.kind === 'systemd') await onHost(cluster, node, ['systemctl', 'start', serviceControl.unit]);
  else await pgCtl(cluster, node, '-l', `${dataDirectoryOf(cluster, node)}.runbook/postgresql.log`, 'start');
}

/** Leaves the data as a crash does, to be recovered; returns when PostgreSQL has ended. */
export function stopAsByCrash(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  return pgCtl(cluster, node, '-m', 'immediate', 'stop');
}

/** SIGKILL of the postmaster: the rest of PostgreSQL ends by itself, the host lives on. */
export async function killPostmaster(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  const kill = 'kill -KILL "$(head -n 1 "$0")"';
  await onHost(cluster, node, ['sh', '-c', kill, `${dataDirectoryOf(cluster, node)}/postmaster.pid`]);
}
