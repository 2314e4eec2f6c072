import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { logger } from '../adapters/logger.ts';
import { findCommandsSince, lastPings, readInvocation } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { completeTask, oldestRunningSince } from '../adapters/runbook-tasks.ts';
import { resourceNames } from '../contract/names.ts';
import { nodeCommandNames } from '../contract/node-commands.ts';
import { sweepEventSchema } from '../contract/payloads.ts';
import { commandOutcome, outcomeOnInstance } from '../domain/command-outcome.ts';

const documents = new Set(nodeCommandNames.map(resourceNames(deployedCluster().name).document));
const runbookArns = environmentVariable('RUNBOOK_ARNS').split(',');

/**
 * Completes every task whose command has ended and whose event was lost, or whose instance went away.
 * Called every minute, and when EC2 reports that an instance stops. Does nothing while no runbook runs.
 */
export async function handler(event: unknown): Promise<{ completed: number }> {
  const stopped = parseInput(sweepEventSchema, event ?? {}, 'sweep-node-commands');
  const since = await oldestRunningSince(runbookArns);
  if (since === null) return { completed: 0 };
  const sent = await findCommandsSince(since, documents);
  const outcomes = await Promise.all(
    sent.map(async (command) => ({ ...command, outcome: commandOutcome(await readInvocation(command)) })),
  );
  const pending = outcomes.filter(({ outcome }) => outcome.kind === 'pending');
  const pings = await lastPings([...new Set(pending.map(({ instanceId }) => instanceId))]);
  let completed = 0;
  for (const { outcome, instanceId, commandId, taskToken, sentAt } of outcomes) {
    const gone = 'detail' in stopped && stopped.detail['instance-id'] === instanceId ? stopped : null;
    const evidence = {
      gone: gone === null ? null : { state: gone.detail.state, at: new Date(gone.time) },
      lastPing: pings.get(instanceId) ?? null,
    };
    const judged = outcomeOnInstance(outcome, instanceId, sentAt, evidence, new Date());
    if (await completeTask(taskToken, judged)) {
      completed += 1;
      logger.warn('completed a command that no event had completed', { commandId, instanceId });
    }
  }
  return { completed };
}
