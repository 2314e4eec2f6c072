import { readFileSync } from 'node:fs';
import { type Cluster, clustersSchema } from '../../lambdas/contract/cluster-config.ts';

/** The notes' cluster from `clusters.json`, with some of its parts replaced. */
export function exampleCluster(overrides: Partial<Cluster> = {}): Cluster {
  const [cluster] = clustersSchema.parse(JSON.parse(readFileSync('clusters.json', 'utf8')));
  if (cluster === undefined) throw new Error('clusters.json holds no cluster');
  return { ...cluster, ...overrides };
}
