/** Plans the allowance to commit without standbys, or refuses where there is nothing to allow. */
import type { Allowance, AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { NodeFacts, Observation } from '../contract/observation.ts';
import type { AllowAsyncPlan } from '../contract/payloads.ts';
import { bytesBetween, protectedLsn } from './durability-debt.ts';
import { onlyPrimary } from './only-primary.ts';
import { bytes, counted, duration, listed } from './quantities.ts';
import { type SynchronousSituation, synchronousSituation } from './synchronous-situation.ts';

/** A commit that has waited this long waits for a standby that does not confirm, connected or not. */
const stuckSeconds = 5;

export interface AllowAsyncRequest {
  readonly minutes: number;
  readonly reason: string;
  /** ARN of the execution that asks. */
  readonly execution: string;
}

/** Name of an execution that the checker has started by the cluster's policy. */
const byPolicy = /:auto-[^:]*$/;

/**
 * @param current the allowance on record, which a second one extends, or replaces where it cannot be read
 * @throws OperatorError NoPrimary, TwoPrimaries, NothingToAllow
 */
export function planAllowAsync(
  cluster: Cluster,
  observation: Observation,
  current: AllowanceOnRecord,
  { minutes, reason, execution }: AllowAsyncRequest,
  now: Date,
): AllowAsyncPlan {
  const { node, facts } = onlyPrimary(cluster, observation);
  const situation = synchronousSituation(facts);
  const extended = situation === null ? currentOf(node, facts, current) : null;
  if (situation !== null) requireMissingStandbys(node, facts, situation);
  const allowance: Allowance = {
    primary: node,
    since: extended?.since ?? now.toISOString(),
    until: new Date(now.getTime() + minutes * 60_000).toISOString(),
    lsn: extended?.lsn ?? protectedLsn(cluster, node, facts, observation),
    reason,
    execution,
    automatic: byPolicy.test(execution),
  };
  return {
    primary: node,
    allowance,
    summary: summary(cluster, facts, allowance, minutes),
  };
}

/**
 * Commits wait for nobody: only an allowance that is in force explains that, and can be extended. From one that cannot be
 * read nothing is taken over.
 */
function currentOf(node: string, facts: NodeFacts, current: AllowanceOnRecord): Allowance | null {
  if (current === 'unreadable' && facts.synchronousStandbyNames.trim() === '') return null;
  if (current !== 'unreadable' && current?.primary === node) return current;
  const why =
    facts.synchronousStandbyNames.trim() === ''
      ? 'synchronous_standby_names is empty'
      : `synchronous_commit is ${facts.synchronousCommit}, synchronous_standby_names is ${facts.synchronousStandbyNames}`;
  throw new OperatorError(
    'NothingToAllow',
    `Commits on ${node} wait for no standby as it is: ${why}, and no allowance is on record.`,
    'Nothing was changed. Start the setup runbook: it makes commits synchronous.',
  );
}

function requireMissingStandbys(node: string, facts: NodeFacts, { rule, candidates }: SynchronousSituation): void {
  const { count, oldestSeconds } = facts.blockedSessions;
  if (candidates.length < rule.count || (count > 0 && oldestSeconds >= stuckSeconds)) return;
  throw new OperatorError(
    'NothingToAllow',
    `Writes go on: a commit on ${node} needs ${counted(rule.count, 'standby')}, and ${listed(
      candidates.map(({ applicationName }) => applicationName),
      'confirms',
    )}. No session waits.`,
    'Nothing was changed. This runbook is for the time when commits wait because standbys are missing.',
  );
}

function summary(cluster: Cluster, facts: NodeFacts, allowance: Allowance, minutes: number): string[] {
  const { primary, until, lsn, reason } = allowance;
  const { count } = facts.blockedSessions;
  const debt = bytesBetween(lsn, facts.lsn ?? lsn);
  return [
    `Writes on ${primary} go on without a standby until ${until.slice(0, 16).replace('T', ' ')} UTC (${duration(minutes * 60)}): ${reason}`,
    ...(count > 0 ? [`${counted(count, 'commit')} that waited returned. None was cancelled.`] : []),
    `Durability debt: what was committed after ${lsn} (${bytes(debt)} of WAL at the start) is lost if ${primary} is lost.`,
    `Synchronous replication returns by itself as soon as ${counted(cluster.replication.count, 'standby', 'has')} caught up, or at that time: without a standby writes then wait again. The resume-sync runbook ends it before.`,
  ];
}
