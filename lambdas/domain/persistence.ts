/**
 * How long something has to last before it is believed.
 *
 * Time counts, not the number of checks: two checks of the same moment (a repeated tick, an event of EC2 beside the
 * schedule) prove no more than one. Half an interval is allowed for, because ticks come early and late.
 */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Finding } from '../contract/health.ts';
import { findingPolicies } from './finding-policy.ts';
import { secondsBetween } from './quantities.ts';

/** Trouble that has not come back for this long starts anew. */
export const rememberedSeconds = 30 * 60;
/** However often something comes and goes, this long without it is the end of it. */
const longestAbsence = 5 * 60;

/** Time between the first and the last of a number of checks in a row. */
export function secondsOfChecks({ monitoring }: Cluster, checks: number): number {
  return checks <= 1 ? 0 : (checks - 1.5) * monitoring.checkIntervalSeconds;
}

/** Whether a finding seen in every check since `since` is to be sent. */
export function isConfirmed(cluster: Cluster, { kind, certain }: Finding, since: string, now: Date): boolean {
  if (certain) return true;
  const { lasts } = findingPolicies[kind];
  return secondsBetween(since, now) >= ('seconds' in lasts ? lasts.seconds : secondsOfChecks(cluster, lasts.checks));
}

/**
 * Whether what has not been seen since `goneSince` is over. At first one check without it is enough: an operator wants
 * to know at once. What has come back lately must be gone for 2 checks, then 3, 5, 9…, so that a standby that comes
 * and goes is one incident and not a mail every few seconds.
 */
export function isOver(cluster: Cluster, goneSince: string | null, returns: number, now: Date): boolean {
  if (goneSince === null) return false;
  const checks = returns === 0 ? 1 : 1 + 2 ** (returns - 1);
  return secondsBetween(goneSince, now) >= Math.min(longestAbsence, secondsOfChecks(cluster, checks));
}
