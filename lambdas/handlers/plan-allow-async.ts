import { readAllowance } from '../adapters/allowance-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { type AllowAsyncPlan, planAllowAsyncInputSchema } from '../contract/payloads.ts';
import { allowAsyncInputSchema } from '../contract/runbook-inputs.ts';
import { planAllowAsync } from '../domain/allow-async.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** Plans to let commits return without standbys for a time, or refuses where none wait for one that is missing. */
export async function handler(event: unknown): Promise<AllowAsyncPlan> {
  const { execution, input } = parseInput(planAllowAsyncInputSchema, event, 'plan-allow-async');
  const { minutes, reason } = parseInput(allowAsyncInputSchema, input, 'input of allow-async');
  const observation = await observe(observer, await readCredentials(secret));
  const request = { minutes, reason, execution };
  return planAllowAsync(cluster, observation, await readAllowance(table), request, new Date());
}
