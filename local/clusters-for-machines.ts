/**
 * Turns clusters for EC2 into clusters for machines on this one. They have what the file says: addresses, ports,
 * directories, unit. Only a PostgreSQL version that is not installed here is another one, under the same names.
 */
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { OperatorError } from '../lambdas/contract/errors.ts';
import { describeChanges } from './cluster-changes.ts';
import { choosePostgres, findPostgres } from './postgres-installations.ts';

/** Clusters for machines, and what was replaced in them: one aligned line each. */
export function clustersForMachines(
  clusters: readonly Cluster[],
  postgresBins: ReadonlyMap<number, string>,
): { clusters: Cluster[]; replacements: string[] } {
  refuseSharedHosts(clusters);
  const installed = findPostgres();
  const local = clusters.map((cluster): Cluster => {
    const { majorVersion } = choosePostgres(cluster.postgres.majorVersion, postgresBins, installed);
    const { slotKeepSegments, ...postgres } = cluster.postgres;
    return {
      ...cluster,
      postgres: {
        ...postgres,
        majorVersion,
        // PostgreSQL 12 has no such bound.
        ...(slotKeepSegments === undefined || majorVersion < 13 ? {} : { slotKeepSegments }),
      },
      // A machine has one interface, and nothing here translates addresses.
      nodes: cluster.nodes.map(({ connectsFrom: _, ...node }) => node),
    };
  });
  return {
    clusters: local,
    replacements: describeChanges(clusters, local, '; unit and directories keep their names'),
  };
}

/** All machines of a runtime are on one network, and are kept by their nodes' names. */
function refuseSharedHosts(clusters: readonly Cluster[]): void {
  const owners = new Map<string, string>();
  const clashes: string[] = [];
  clusters.forEach((cluster, c) => {
    cluster.nodes.forEach((node, n) => {
      for (const key of ['name', 'address'] as const) {
        const path = `clusters[${c}].nodes[${n}].${key}`;
        const owner = owners.get(node[key].toLowerCase());
        if (owner === undefined) owners.set(node[key].toLowerCase(), path);
        else clashes.push(`${path}: "${node[key]}" is the ${key} of another host (${owner})`);
      }
    });
  });
  if (clashes.length === 0) return;
  throw new OperatorError(
    'InvalidClusters',
    `on one network, nodes of all clusters need different names and addresses:\n${clashes.join('\n')}`,
    'Change them, or run the clusters of the file one by one, each from a file of its own.',
  );
}
