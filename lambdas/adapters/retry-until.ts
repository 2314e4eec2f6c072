import { setTimeout as pause } from 'node:timers/promises';

const intervalMilliseconds = 100;

/**
 * Repeats `attempt` until it succeeds or `patienceMilliseconds` have passed; then its last error is thrown.
 * Between attempts it pauses a moment, so that what is waited for has a chance to happen.
 *
 * @param passes whether an error may pass with time; others are thrown at once
 */
export async function retryUntil<T>(
  patienceMilliseconds: number,
  attempt: () => Promise<T>,
  passes: (error: Error) => boolean = () => true,
): Promise<T> {
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() + intervalMilliseconds > deadline || !(error instanceof Error && passes(error))) throw error;
      await pause(intervalMilliseconds);
    }
  }
}
