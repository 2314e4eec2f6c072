import { deployedCluster } from '../adapters/cluster.ts';
import { parseInput } from '../adapters/parse.ts';
import { planRejoinInputSchema, type RejoinPlan } from '../contract/rejoin.ts';
import { planRejoin } from '../domain/rejoin-plan.ts';

const cluster = deployedCluster();

/** Decides how a node rejoins, or refuses where only a person can decide. */
export async function handler(event: unknown): Promise<RejoinPlan> {
  return planRejoin(cluster, parseInput(planRejoinInputSchema, event, 'plan-rejoin'));
}
