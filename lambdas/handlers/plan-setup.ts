import { deployedCluster } from '../adapters/cluster.ts';
import { parseInput } from '../adapters/parse.ts';
import { planSetupInputSchema, type SetupPlan } from '../contract/payloads.ts';
import { planSetup } from '../domain/setup-plan.ts';

const cluster = deployedCluster();

/** Decides which node is the primary and what is to be built, or refuses with every problem that preflight found. */
export async function handler(event: unknown): Promise<SetupPlan> {
  return planSetup(cluster, parseInput(planSetupInputSchema, event, 'plan-setup').reports);
}
