import { setTimeout as pause } from 'node:timers/promises';

const intervalMilliseconds = 100;

/**
 * Repeats `attempt` until it succeeds or `patienceMilliseconds` have passed; then its last error is thrown.
 * Between attempts it pauses a moment, so that what is waited for has a chance to happen.
 */
export async function retryUntil<T>(patienceMilliseconds: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() + intervalMilliseconds > deadline) throw error;
      await pause(intervalMilliseconds);
    }
  }
}
