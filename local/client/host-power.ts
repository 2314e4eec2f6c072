/** What the notes do by hand on a host: stopping and starting PostgreSQL. */
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { asPostgresUser, dataDirectoryOf, type LocalCluster, onHost } from './host-access.ts';

async function control(cluster: LocalCluster, node: ClusterNode, verb: 'start' | 'stop'): Promise<void> {
  const { binDirectory, serviceControl } = cluster.postgres;
  const data = dataDirectoryOf(cluster, node);
  const how = verb === 'stop' ? ['-m', 'fast'] : ['-l', `${data}.runbook/postgresql.log`];
  const command =
    serviceControl.kind === 'systemd'
      ? ['systemctl', verb, serviceControl.unit]
      : asPostgresUser(cluster, [`${binDirectory}/pg_ctl`, '-D', data, '-w', '-s', ...how, verb]);
  // In the host's directory, which is what makes the process one of a host that is made of processes.
  await onHost(cluster, node, ['sh', '-c', 'cd "$0" && exec "$@"', `${data}/..`, ...command]);
}

/** `pg_stop` of the notes: a fast shutdown. */
export function stopPostgres(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  return control(cluster, node, 'stop');
}

/** `pg_start` of the notes. */
export function startPostgres(cluster: LocalCluster, node: ClusterNode): Promise<void> {
  return control(cluster, node, 'start');
}
