import { commandsOut, forgetCommand } from '../adapters/commands-out.ts';
import { asSent, completeCommand } from '../adapters/complete-command.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { lateEnd } from '../adapters/late-end.ts';
import { logger } from '../adapters/logger.ts';
import { lastPings, readInvocation, type SentCommand } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { type LateEnd, sweepEventSchema } from '../contract/payloads.ts';
import {
  type CommandOutcome,
  commandOutcome,
  type InstanceEvidence,
  outcomeOnInstance,
} from '../domain/command-outcome.ts';
import { type CommandOut, isBeingSent, isOver, wasNeverSent } from '../domain/commands-out.ts';

const table = environmentVariable('STATE_TABLE');

/** A command that SSM has accepted and knows of no invocation of, as happens for a moment: its age tells. */
const unheard = { kind: 'pending', taken: false } as const;

/**
 * Completes every task whose command has ended and whose event was lost, or whose instance went away.
 * Called every minute, and when EC2 reports that an instance stops. Asks SSM for nothing while no command is out. A step
 * that has given up its command asks for that one: no task of it waits any more.
 */
export async function handler(event: unknown): Promise<{ completed: number } | LateEnd> {
  const stopped = parseInput(sweepEventSchema, event ?? {}, 'sweep-node-commands');
  if ('givenUp' in stopped) return lateEnd(table, stopped.givenUp);
  const { commands: out, unreadable } = await commandsOut(table);
  // Their tasks end by their own time limits: nobody can tell which command may complete them.
  for (const tokenHash of unreadable) {
    logger.error('what is on record of a command cannot be read, and is removed', { tokenHash });
    await forgetCommand(table, { tokenHash });
  }
  const evidenceOf = async (instanceId: string): Promise<InstanceEvidence> => {
    const gone = 'detail' in stopped && stopped.detail['instance-id'] === instanceId ? stopped : null;
    return {
      gone: gone === null ? null : { state: gone.detail.state, at: new Date(gone.time) },
      lastPing: (await lastPings([instanceId])).get(instanceId) ?? null,
    };
  };
  // What becomes of one has no part in what becomes of the others.
  const swept = await Promise.allSettled(out.map((command) => sweep(command, evidenceOf)));
  const failed = swept.filter(({ status }) => status === 'rejected');
  for (const { reason } of failed as PromiseRejectedResult[]) logger.error('a command could not be swept', { reason });
  if (failed.length > 0) throw new Error(`${failed.length} of ${out.length} commands could not be swept`);
  return { completed: swept.filter((one) => one.status === 'fulfilled' && one.value).length };
}

/** True when this call completed the command's task. */
async function sweep(out: CommandOut, evidenceOf: (instanceId: string) => Promise<InstanceEvidence>): Promise<boolean> {
  const now = new Date();
  if (isBeingSent(out, now)) return false;
  const sent = await asSent(out);
  const completed = sent !== null && (await completeCommand(table, out, sent, await outcomeOf(out, sent, evidenceOf)));
  if (completed) logger.warn('completed a command that no event had completed', { ...out });
  else if (isOver(out, now) || (sent === null && wasNeverSent(out, now))) await forgetCommand(table, out);
  return completed;
}

async function outcomeOf(
  out: CommandOut,
  { commandId }: SentCommand,
  evidenceOf: (instanceId: string) => Promise<InstanceEvidence>,
): Promise<CommandOutcome> {
  const invocation = await readInvocation(commandId, out.instanceId);
  const outcome = invocation === null ? unheard : commandOutcome(invocation);
  if (outcome.kind !== 'pending') return outcome;
  return outcomeOnInstance(outcome, out.instanceId, out.sentAt, await evidenceOf(out.instanceId), new Date());
}
