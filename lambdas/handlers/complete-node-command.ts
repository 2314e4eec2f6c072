import { commandsOut } from '../adapters/commands-out.ts';
import { completeCommand, matches } from '../adapters/complete-command.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { logger } from '../adapters/logger.ts';
import { findCommand, readInvocationSoon } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { commandEndedEventSchema } from '../contract/payloads.ts';
import { commandOutcome } from '../domain/command-outcome.ts';

const table = environmentVariable('STATE_TABLE');

/** Completes the task that waits for a command when SSM reports the command's end on EventBridge. */
export async function handler(event: unknown): Promise<void> {
  const { 'command-id': commandId, 'instance-id': instanceId } = parseInput(
    commandEndedEventSchema,
    event,
    'complete-node-command',
  ).detail;
  const candidates = (await commandsOut(table)).commands.filter(
    (out) => out.instanceId === instanceId && (out.commandId === commandId || out.commandId === null),
  );
  const sent = candidates.length === 0 ? null : await findCommand(commandId);
  // A command may end before its id is on record.
  const out = sent === null ? undefined : candidates.find((candidate) => matches(candidate, sent));
  if (out === undefined) {
    logger.info('a command ended that nobody waits for', { commandId, instanceId });
    return;
  }
  const outcome = commandOutcome(await readInvocationSoon(commandId, instanceId));
  const completed = await completeCommand(table, out, sent, outcome);
  logger.info('command ended', { commandId, instanceId, completed });
}
