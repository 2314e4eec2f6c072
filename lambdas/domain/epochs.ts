/**
 * Epochs: the numbers of a cluster's operations. A host refuses a command of an older operation than the newest that it
 * has seen, so the numbers only ever grow: over the end of a stack, whose table is gone while its hosts remember, and
 * over a table that was restored from an older time. They are times, in seconds since 1970.
 */
import { OperatorError } from '../contract/errors.ts';
import { mostAheadSeconds } from '../contract/node-commands.ts';

/**
 * The epoch of the next operation: the time, or one more than the last one where clocks disagree or operations follow
 * each other within a second.
 *
 * @param last the epoch of the operation before, as the table has it; null when it has none
 * @param howToForget what removes an epoch that cannot be right
 * @throws OperatorError EpochImplausible when the last one is so far ahead that hosts would refuse the next
 */
export function nextEpoch(last: number | null, now: Date, howToForget: string): number {
  const clock = Math.floor(now.getTime() / 1000);
  if (last === null) return clock;
  if (!Number.isSafeInteger(last) || last >= clock + mostAheadSeconds) {
    throw new OperatorError(
      'EpochImplausible',
      `The last operation on record has the epoch ${last} (a time in seconds since 1970), and it is ${clock} now (${now.toISOString()}). Hosts would refuse what follows it.`,
      `Nothing was changed. Start the runbook again. If it says the same, remove that epoch: ${howToForget}`,
    );
  }
  return Math.max(last + 1, clock);
}
