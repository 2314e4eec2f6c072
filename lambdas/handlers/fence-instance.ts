import { deployedCluster } from '../adapters/cluster.ts';
import { type StoppedInstance, stopInstance } from '../adapters/instances.ts';
import { parseInput } from '../adapters/parse.ts';
import { fencingInputSchema } from '../contract/promotions.ts';
import { nodeNamed } from '../domain/node-named.ts';

const cluster = deployedCluster();

/** How long one call looks; the runbook's Retry goes on from there. */
const patienceMilliseconds = 20_000;

/** Fences a node whose host cannot be reached: EC2 takes its power away, and is seen to have done so. */
export async function handler(event: unknown): Promise<StoppedInstance> {
  const { node } = parseInput(fencingInputSchema, event, 'fence-instance');
  return stopInstance(cluster, nodeNamed(cluster, node), patienceMilliseconds);
}
