/**
 * Does a set of standbys hold every commit that the primary has acknowledged?
 *
 * With FIRST k or ANY k over n names each acknowledged commit is on at least k of the n. Those that are not looked at
 * can be at most k - 1, or all holders of a commit might be among them: so n - k + 1 of the named standbys, none of which
 * receives any more, have every acknowledged commit between them; and the one of them with the most WAL has them all,
 * for WAL has no gaps.
 */
import type { CommitRule } from '../contract/promotions.ts';
import { list } from './quantities.ts';
import { sameName } from './survey.ts';
import { localCommitLevels } from './synchronous-situation.ts';
import { readSynchronousStandbyNames } from './synchronous-standby-names.ts';

/**
 * Why acknowledged commits may be on none of the standbys that were reached.
 *
 * @param rule the rule that was in force on the former primary; null when nobody knows
 * @returns null when every acknowledged commit is on at least one of them
 */
export function whyCommitsMayBeMissing(rule: CommitRule | null, reached: readonly string[]): string | null {
  if (rule === null) return 'Nothing is known of the rule that its commits followed.';
  if (localCommitLevels.has(rule.commitLevel)) {
    return `Its synchronous_commit was ${rule.commitLevel}: commits returned without a standby.`;
  }
  if (rule.standbyNames.trim() === '')
    return 'synchronous_standby_names was empty there: commits waited for no standby.';
  const asked = readSynchronousStandbyNames(rule.standbyNames);
  if (asked === null || asked.names.includes('*')) {
    return `Its synchronous_standby_names = ${rule.standbyNames} does not say which standbys have its commits.`;
  }
  const names = [...new Set(asked.names.map((name) => name.toLowerCase()))];
  const missing = asked.names.filter((name) => !reached.some((node) => sameName(node, name)));
  const found = names.filter((name) => reached.some((node) => sameName(node, name))).length;
  const needed = names.length - asked.count + 1;
  if (found >= needed) return null;
  const which = `${list([...new Set(missing)])} cannot be asked`;
  return `Each commit was confirmed by ${asked.count} of ${list(asked.names)}, and ${which}: there may be commits that no other standby has.`;
}
