/**
 * Seconds from `now` to each check of the minute that begins. Checks fall on multiples of the interval since 1970, so
 * that an interval that does not divide a minute stays even from one minute to the next.
 */
export function tickDelays(intervalSeconds: number, now: Date): number[] {
  const seconds = Math.floor(now.getTime() / 1000);
  const first = (intervalSeconds - (seconds % intervalSeconds)) % intervalSeconds;
  const delays: number[] = [];
  for (let delay = first; delay < 60; delay += intervalSeconds) delays.push(delay);
  return delays;
}
