import { readAllowance } from '../adapters/allowance-store.ts';
import { readChecker } from '../adapters/checker-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { retryUntil } from '../adapters/retry-until.ts';
import { type FailoverPlan, planFailoverInputSchema } from '../contract/promotions.ts';
import { receiversNoticeSeconds } from '../contract/time-limits.ts';
import { requireAllCommits } from '../domain/failover-choice.ts';
import { planFailover } from '../domain/failover-plan.ts';
import { runbookLinks } from '../domain/runbook-links.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');
const links = runbookLinks(cluster.network.region, environmentVariable('RUNBOOK_ARN_PREFIX'));

/** Asks several witnesses whether the primary is down, and plans what to do about it; changes nothing. */
export async function handler(event: unknown): Promise<FailoverPlan> {
  const { input } = parseInput(planFailoverInputSchema, event, 'plan-failover');
  const { allowDataLoss, reason } = input;
  const credentials = await readCredentials(secret);
  const look = async (): Promise<FailoverPlan> => {
    const [observation, { state }, allowance] = await Promise.all([
      observe(observer, credentials),
      readChecker(table),
      readAllowance(table),
    ]);
    const evidence = { observation, memory: state.memory, allowance };
    return planFailover(cluster, evidence, { allowDataLoss, reason }, new Date());
  };
  const plan = await retryUntil(receiversNoticeSeconds * 1000, look, ({ name }) => name === 'PrimaryStateUnknown');
  // Before anything is touched; decided again when the standbys have stopped following.
  if (plan.promoted === null) {
    const reached = plan.detach.map(({ node }) => node);
    requireAllCommits(plan, reached, null, (given) => links.startCommand('failover', given));
  }
  return plan;
}
