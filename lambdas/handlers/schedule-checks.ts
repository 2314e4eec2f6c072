import { sendDelayed } from '../adapters/checks-queue.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { tickDelays } from '../domain/ticks.ts';

const { monitoring } = deployedCluster();
const queue = environmentVariable('CHECKS_QUEUE_URL');

/** Called every minute: spreads the minute's checks over it, which a schedule cannot do by itself. */
export async function handler(): Promise<void> {
  await sendDelayed(queue, tickDelays(monitoring.checkIntervalSeconds, new Date()));
}
