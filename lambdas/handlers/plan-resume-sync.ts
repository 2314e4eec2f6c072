import { readAllowance } from '../adapters/allowance-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { planResumeSyncInputSchema, type ResumeSyncPlan } from '../contract/payloads.ts';
import { resumeSyncInputSchema } from '../contract/runbook-inputs.ts';
import { planResumeSync } from '../domain/resume-sync.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** Plans the return to synchronous replication, or refuses where writes would block and nobody has asked for that. */
export async function handler(event: unknown): Promise<ResumeSyncPlan> {
  const { input } = parseInput(planResumeSyncInputSchema, event, 'plan-resume-sync');
  const request = parseInput(resumeSyncInputSchema, input, 'input of resume-sync');
  const observation = await observe(observer, await readCredentials(secret));
  return planResumeSync(cluster, observation, await readAllowance(table), request, new Date());
}
