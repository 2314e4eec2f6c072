/** What became of a command that a step has given up: its end may be there, and only the news of it lost or late. */
import type { GivenUpCommand, LateEnd } from '../contract/payloads.ts';
import { commandOutcome } from '../domain/command-outcome.ts';
import { commandsOut } from './commands-out.ts';
import { asSent, matches } from './complete-command.ts';
import { readInvocation } from './node-commands.ts';

/** The result of the command, if it is on record and has ended well; whatever else is the case, none. */
export async function lateEnd(table: string, { document, node, epoch }: GivenUpCommand): Promise<LateEnd> {
  const { commands } = await commandsOut(table);
  for (const out of commands.filter((each) => each.document === document)) {
    const sent = await asSent(out);
    if (sent === null || !matches(out, sent) || sent.node !== node || sent.epoch !== `${epoch}`) continue;
    const invocation = await readInvocation(sent.commandId, out.instanceId);
    const outcome = invocation === null ? null : commandOutcome(invocation);
    if (outcome?.kind === 'success') return { ended: true, result: outcome.result };
  }
  return { ended: false };
}
