import type { Cluster } from '../contract/cluster-config.ts';

/**
 * The cluster that this function was deployed for. esbuild puts it in the place of `process.env.CLUSTER`
 * when the function is bundled: it is larger than the 4 KB that Lambda allows for environment variables.
 * It was checked against the schema before, when the stack was synthesized.
 */
export function deployedCluster(): Cluster {
  const text = process.env.CLUSTER;
  if (text === undefined) throw new Error('this function was bundled without its cluster');
  return JSON.parse(text) as Cluster;
}
