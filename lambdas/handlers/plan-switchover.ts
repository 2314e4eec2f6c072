import { readChecker } from '../adapters/checker-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { planSwitchoverInputSchema, type SwitchoverPlan } from '../contract/promotions.ts';
import { planSwitchover } from '../domain/switchover-plan.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** Looks whether the primary may be changed now, and to which node; changes nothing. */
export async function handler(event: unknown): Promise<SwitchoverPlan> {
  const { input } = parseInput(planSwitchoverInputSchema, event, 'plan-switchover');
  const [observation, { state }] = await Promise.all([
    readCredentials(secret).then((credentials) => observe(observer, credentials)),
    readChecker(table),
  ]);
  return planSwitchover(cluster, observation, state.memory, input.to, new Date());
}
