/** Waiting, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Limits are written as for a machine that does little else, and a busy one gets so many times as long: a limit is there
 * to say what did not come, and not how fast it has to be.
 */
export const patience = 5;

/** What a condition gives that does not hold yet. */
type NotYet = null | undefined | false;

/**
 * Waits until `condition` gives something.
 *
 * @param limitSeconds on a machine that does little else
 * @throws Error that names what was waited for, after {@link patience} times as long
 */
export async function waitFor<T>(
  what: string,
  limitSeconds: number,
  condition: () => T | NotYet | Promise<T | NotYet>,
  pollMilliseconds = 100,
): Promise<T> {
  const deadline = Date.now() + patience * limitSeconds * 1000;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${patience * limitSeconds} s: ${what}`);
    await pause(pollMilliseconds);
  }
}
