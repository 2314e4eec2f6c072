/** The end of a command on record: its task is completed, and its record removed. */

import type { CommandOutcome } from '../domain/command-outcome.ts';
import { type CommandOut, isOnRecord } from '../domain/commands-out.ts';
import { forgetCommand, hashOfToken } from './commands-out.ts';
import { logger } from './logger.ts';
import { findCommand, findCommandsOn, type SentCommand } from './node-commands.ts';
import { completeTask } from './runbook-tasks.ts';

/** Whether this command, as SSM describes it, is the one that this record is of. */
export const matches = (out: CommandOut, sent: SentCommand): boolean =>
  isOnRecord(out, { ...sent, tokenHash: hashOfToken(sent.taskToken) });

/**
 * Completes the task that waits for the command, if the command is the one on record. Whether the task was still
 * waiting or not, the record goes with it.
 *
 * @returns true when this call completed the task
 */
export async function completeCommand(
  table: string,
  out: CommandOut,
  sent: SentCommand | null,
  outcome: CommandOutcome,
): Promise<boolean> {
  if (outcome.kind === 'pending') return false;
  if (sent === null || !matches(out, sent)) {
    logger.error('a command is not what is on record of it, and completes nothing', { ...out });
    return false;
  }
  const completed = await completeTask(sent.taskToken, outcome);
  await forgetCommand(table, out);
  return completed;
}

/** The command as SSM has it; looked for on its instance when its id is not on record. */
export async function asSent(out: CommandOut): Promise<SentCommand | null> {
  if (out.commandId !== null) return findCommand(out.commandId);
  const found = await findCommandsOn(out.instanceId, out.document, out.sentAt);
  return found.find((command) => matches(out, command)) ?? null;
}
