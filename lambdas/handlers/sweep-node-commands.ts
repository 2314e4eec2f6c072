import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { logger } from '../adapters/logger.ts';
import { findCommandsSince, readInvocation } from '../adapters/node-commands.ts';
import { completeTask, oldestRunningSince } from '../adapters/runbook-tasks.ts';
import { resourceNames } from '../contract/names.ts';
import { nodeCommandNames } from '../contract/node-commands.ts';
import { commandOutcome } from '../domain/command-outcome.ts';

const documents = new Set(nodeCommandNames.map(resourceNames(deployedCluster().name).document));
const runbookArns = environmentVariable('RUNBOOK_ARNS').split(',');

/** Completes every task whose command has ended and whose event was lost. Does nothing while no runbook runs. */
export async function handler(): Promise<{ completed: number }> {
  const since = await oldestRunningSince(runbookArns);
  if (since === null) return { completed: 0 };
  let completed = 0;
  for (const sent of await findCommandsSince(since, documents)) {
    const outcome = commandOutcome(await readInvocation(sent));
    if (await completeTask(sent.taskToken, outcome)) {
      completed += 1;
      logger.warn('the sweep completed a command whose event was lost', { commandId: sent.commandId });
    }
  }
  return { completed };
}
