/** Clusters files for the scenarios, made from the notes' cluster. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { installedPostgres } from './installed-postgres.ts';

type Json = Record<string, unknown>;

/** The notes' cluster of `clusters.json` on this machine's PostgreSQL, to be changed at will. */
export function notesCluster(
  overrides: { name?: string; postgres?: Json; replication?: Json; policy?: Json; nodes?: Json[] } = {},
): Json {
  const [cluster] = JSON.parse(readFileSync('clusters.json', 'utf8')) as Json[];
  if (cluster === undefined) throw new Error('clusters.json holds no cluster');
  const network = cluster.network as Json;
  return {
    ...cluster,
    ...(overrides.name === undefined
      ? {}
      : { name: overrides.name, network: { ...network, ...ownGroup(overrides.name) } }),
    ...(overrides.nodes === undefined ? {} : { nodes: overrides.nodes }),
    postgres: {
      ...(cluster.postgres as Json),
      majorVersion: installedPostgres().majorVersion,
      ...overrides.postgres,
    },
    replication: { ...(cluster.replication as Json), ...overrides.replication },
    policy: { ...(cluster.policy as Json), ...overrides.policy },
  };
}

/** A security group for each cluster: clusters of one file must not share one. */
function ownGroup(name: string): Json {
  return { nodeSecurityGroupId: `sg-${createHash('sha256').update(name).digest('hex').slice(0, 17)}` };
}

/** Nodes of these names, with instance ids and addresses to match. */
export function nodesNamed(...names: string[]): Json[] {
  return names.map((name, index) => ({
    name,
    instanceId: `i-0a1b2c3d4e5f601${33 + index}`,
    address: `192.168.168.${133 + index}`,
  }));
}
