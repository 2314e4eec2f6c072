/** Waiting, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises';

/** What a condition gives that does not hold yet. */
type NotYet = null | undefined | false;

/**
 * Waits until `condition` gives something.
 *
 * @throws Error that names what was waited for, after `limitSeconds`
 */
export async function waitFor<T>(
  what: string,
  limitSeconds: number,
  condition: () => T | NotYet | Promise<T | NotYet>,
  pollMilliseconds = 100,
): Promise<T> {
  const deadline = Date.now() + limitSeconds * 1000;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${limitSeconds} s: ${what}`);
    await pause(pollMilliseconds);
  }
}
