import { deployedCluster } from '../adapters/cluster.ts';
import { lookAtHost } from '../adapters/instances.ts';
import { parseInput } from '../adapters/parse.ts';
import { type FencingPlan, fencingInputSchema } from '../contract/promotions.ts';
import { planFencing } from '../domain/fencing.ts';
import { nodeNamed } from '../domain/node-named.ts';

const cluster = deployedCluster();

/** Looks whether the host of a former primary can be reached, which decides how it is fenced. */
export async function handler(event: unknown): Promise<FencingPlan> {
  const { node } = parseInput(fencingInputSchema, event, 'plan-fencing');
  return planFencing(await lookAtHost(nodeNamed(cluster, node)));
}
