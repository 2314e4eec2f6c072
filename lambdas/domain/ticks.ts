import { checkHorizonSeconds } from '../contract/time-limits.ts';

/** Checks to ask for. */
export interface TickPlan {
  /** Seconds from now to each check. */
  readonly delays: number[];
  /** Up to this time (seconds since 1970) every check has been asked for then. */
  readonly askedUntil: number;
}

/**
 * The checks of the next three minutes that nobody has asked for yet. They fall on multiples of the interval since 1970,
 * so that they stay even whenever this is asked, also when the interval does not divide a minute.
 *
 * @param askedUntil what the plan before said; 0 when that is not known, which repeats what was asked for already
 */
export function planTicks(intervalSeconds: number, now: Date, askedUntil: number): TickPlan {
  const seconds = Math.floor(now.getTime() / 1000);
  const end = seconds + checkHorizonSeconds;
  const delays: number[] = [];
  const first = Math.ceil(Math.max(seconds, askedUntil) / intervalSeconds) * intervalSeconds;
  for (let tick = first; tick < end; tick += intervalSeconds) delays.push(tick - seconds);
  return { delays, askedUntil: Math.max(end, askedUntil) };
}
