import { logger } from '../adapters/logger.ts';
import { findSentCommand, readInvocation } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { completeTask } from '../adapters/runbook-tasks.ts';
import { commandEndedEventSchema } from '../contract/payloads.ts';
import { commandOutcome } from '../domain/command-outcome.ts';

/** Completes the task that waits for a command when SSM reports the command's end on EventBridge. */
export async function handler(event: unknown): Promise<void> {
  const { detail } = parseInput(commandEndedEventSchema, event, 'complete-node-command');
  const sent = await findSentCommand(detail['command-id'], detail['instance-id']);
  if (sent === null) return;
  const completed = await completeTask(sent.taskToken, commandOutcome(await readInvocation(sent)));
  logger.info('command ended', { commandId: sent.commandId, instanceId: sent.instanceId, completed });
}
