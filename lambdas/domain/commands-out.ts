/** Commands that were sent and whose end somebody waits for: what is on record of them, and what their age means. */
import { nodeCommands } from '../contract/node-commands.ts';
import { commandOverheadSeconds, notAfterSeconds } from '../contract/time-limits.ts';
import type { AddressedCommand } from './outgoing-command.ts';

/** What is on record of one command. It says which command may complete which task, without saying the task's token. */
export interface CommandOut {
  /** SHA-256 of the token of the task that waits. */
  readonly tokenHash: string;
  readonly document: string;
  readonly instanceId: string;
  /** When it was recorded: just before it was sent. */
  readonly sentAt: Date;
  /** From then on no task waits for it. */
  readonly until: Date;
  /** Null until SSM has given it one, and for good when the function that sent it ended in between. */
  readonly commandId: string | null;
}

/** The time that a task waits beyond its command's own limit, and some more. */
const graceSeconds = commandOverheadSeconds + 120;

/** Longer than the function that sends it may run. */
const sendingSeconds = 60;

/** The record of a command that is about to be sent. */
export function recordOf(
  { command, document, instanceId }: AddressedCommand,
  tokenHash: string,
  now: Date,
): CommandOut {
  const seconds = nodeCommands[command].executionTimeoutSeconds + graceSeconds;
  return {
    tokenHash,
    document,
    instanceId,
    sentAt: now,
    until: new Date(now.getTime() + seconds * 1000),
    commandId: null,
  };
}

const age = ({ sentAt }: CommandOut, now: Date) => (now.getTime() - sentAt.getTime()) / 1000;

/** Whether the function that sends it may still be about to say which command it is. */
export const isBeingSent = (out: CommandOut, now: Date): boolean =>
  out.commandId === null && age(out, now) < sendingSeconds;

/** Whether it was recorded and never sent: SSM has none that fits, and takes none any more. */
export const wasNeverSent = (out: CommandOut, now: Date): boolean =>
  out.commandId === null && age(out, now) > sendingSeconds + notAfterSeconds;

/** Whether no task can wait for it any more. */
export const isOver = (out: CommandOut, now: Date): boolean => now > out.until;

/**
 * Whether a command, as SSM describes it, is the one on record. Whoever may send commands in the account can send one
 * with somebody's token among its parameters: its end completes nothing.
 */
export function isOnRecord(
  out: CommandOut,
  sent: { readonly document: string; readonly instanceIds: readonly string[]; readonly tokenHash: string },
): boolean {
  return (
    out.tokenHash === sent.tokenHash &&
    out.document === sent.document &&
    sent.instanceIds.length === 1 &&
    sent.instanceIds[0] === out.instanceId
  );
}
