/**
 * The schema of `clusters.json`: what a DBA writes, checked as a whole before anything is synthesized.
 * `load-clusters.ts` reads the file and words the problems for people.
 */
import * as z from 'zod';
import { checkClusters } from './cluster-rules.ts';
import { clusterShape } from './cluster-shape.ts';

export { type Cluster, type ClusterNode, nodeNamePattern } from './cluster-shape.ts';

/** The whole file without the rules between values. */
export const clustersShape = z.array(clusterShape).min(1, 'must hold at least one cluster');

/** The whole file: one or more clusters, with the rules between values. */
export const clustersSchema = clustersShape.superRefine((clusters, context) => {
  checkClusters(clusters, (path, message) => context.addIssue({ code: 'custom', path: [...path], message }));
});

/** The JSON shape of the file for editors; rules between values are not expressible there. */
export function clustersJsonSchema(): object {
  return z.toJSONSchema(clustersShape, { io: 'input', target: 'draft-7' });
}
