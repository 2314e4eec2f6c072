import { deployedCluster } from '../adapters/cluster.ts';
import { lookAtHost, lookAtInstances } from '../adapters/instances.ts';
import { parseInput } from '../adapters/parse.ts';
import { type FencingPlan, type InstanceWarnings, planFencingInputSchema } from '../contract/promotions.ts';
import { instanceWarnings, planFencing } from '../domain/fencing.ts';
import { nodeNamed } from '../domain/node-named.ts';

const cluster = deployedCluster();

/** Looks whether the host of a former primary can be reached, which decides how it is fenced; or warns of hosts that cannot be. */
export async function handler(event: unknown): Promise<FencingPlan | InstanceWarnings> {
  const input = parseInput(planFencingInputSchema, event, 'plan-fencing');
  if ('node' in input) return planFencing(await lookAtHost(nodeNamed(cluster, input.node)));
  const nodes = input.nodes.map((name) => nodeNamed(cluster, name));
  return { warnings: instanceWarnings(cluster, nodes, await lookAtInstances(nodes)) };
}
