import { deployedCluster } from '../adapters/cluster.ts';
import { parseInput } from '../adapters/parse.ts';
import { observeNodes } from '../adapters/postgres-observer.ts';
import { type Observation, observeInputSchema } from '../contract/observation.ts';

const cluster = deployedCluster();

/** Asks all nodes at once for their facts. Runs in the VPC and calls nothing but PostgreSQL. */
export async function handler(event: unknown): Promise<Observation> {
  const { credentials } = parseInput(observeInputSchema, event, 'observe-cluster');
  return { nodes: await observeNodes(cluster, credentials) };
}
