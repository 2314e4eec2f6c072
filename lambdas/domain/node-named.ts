import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';

/**
 * The cluster's node of this name.
 *
 * @throws OperatorError InvalidInput, listing the nodes
 */
export function nodeNamed(cluster: Cluster, name: string): ClusterNode {
  const node = cluster.nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  throw new OperatorError(
    'InvalidInput',
    `"${name}" is no node of ${cluster.name}.`,
    `Its nodes are ${cluster.nodes.map((candidate) => candidate.name).join(', ')}.`,
  );
}
