import { publishAlert } from '../adapters/alerts-topic.ts';
import { readAllowance } from '../adapters/allowance-store.ts';
import { changeChecker } from '../adapters/checker-store.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import type { CheckerState, Health } from '../contract/health.ts';
import { type MaintenanceReport, setMaintenanceInputSchema } from '../contract/payloads.ts';
import { maintenanceInputSchema } from '../contract/runbook-inputs.ts';
import { mayBeSuspended } from '../domain/durability-debt.ts';
import { assess } from '../domain/health.ts';
import { maintenanceReport, renderMaintenance, withMaintenance } from '../domain/maintenance.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');
const topic = environmentVariable('TOPIC_ARN');

/**
 * Silences the alerts of the cluster until a time, in which nothing starts by itself either, or ends that; tells the
 * subscribers, and what is wrong now.
 */
export async function handler(event: unknown): Promise<MaintenanceReport> {
  const { input } = parseInput(setMaintenanceInputSchema, event, 'set-maintenance');
  const asked = parseInput(maintenanceInputSchema, input, 'input of maintenance');
  const now = new Date();
  let before: unknown;
  const state = await changeChecker(table, (current) => {
    before = current;
    return withMaintenance(current, asked, now);
  });
  const report = maintenanceReport(state, await look(state, now), now);
  if (state !== before) await publishAlert(topic, renderMaintenance(cluster, report, now));
  return report;
}

/** The cluster at this moment; maintenance is set whether it can be seen or not. */
async function look(state: CheckerState, now: Date): Promise<Health | Error> {
  try {
    const observation = await observe(observer, await readCredentials(secret));
    const allowance = mayBeSuspended(observation, state) ? await readAllowance(table) : null;
    return assess(cluster, observation, state.memory, now, allowance);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
