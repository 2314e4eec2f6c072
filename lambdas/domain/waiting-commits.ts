/**
 * Commits that wait for a standby. A healthy commit waits too, for a millisecond, and PostgreSQL does not say since
 * when: a session that waits now may have waited for long, or its statement may have run for long before.
 */
import type { CheckerMemory } from '../contract/health.ts';
import type { Answered } from './survey.ts';

/** Statements younger than this are not worth remembering. */
export const suspiciousSeconds = 2;

/** Commits seen waiting on this primary that are suspicious; `since` stays while one of them is the same. */
export function waitingCommits(
  { node, facts }: Answered,
  memory: CheckerMemory,
  blocked: boolean,
  now: Date,
): CheckerMemory['waiting'] {
  const { count, oldestSeconds, transactions } = facts.blockedSessions;
  if (count === 0 || (oldestSeconds < suspiciousSeconds && !blocked)) return null;
  const before = memory.waiting;
  const goesOn = before?.node === node.name && before.transactions.some((each) => transactions.includes(each));
  // Nothing new is written while the same commits wait.
  return goesOn ? before : { node: node.name, since: now.toISOString(), transactions };
}

/** Whether a transaction of an earlier check still waits: then it has waited all the time since. */
export function waitsStill({ node, facts }: Answered, { waiting }: CheckerMemory, now: Date): boolean {
  if (waiting === null || waiting.node !== node.name) return false;
  if (now.getTime() - Date.parse(waiting.since) < suspiciousSeconds * 1000) return false;
  return facts.blockedSessions.transactions.some((each) => waiting.transactions.includes(each));
}
