import { sendDelayed } from '../adapters/checks-queue.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { planTicks } from '../domain/ticks.ts';

const { monitoring } = deployedCluster();
const queue = environmentVariable('CHECKS_QUEUE_URL');

/** Kept while this instance lives. A new one asks for up to three minutes of checks again, which does no harm. */
let askedUntil = 0;

/** Called every minute: asks for the checks of the next three, which a schedule cannot do at such short intervals. */
export async function handler(): Promise<void> {
  const plan = planTicks(monitoring.checkIntervalSeconds, new Date(), askedUntil);
  await sendDelayed(queue, plan.delays);
  askedUntil = plan.askedUntil;
}
