/** Plans the return to synchronous replication, for whichever node is the primary now. */
import type { Allowance, AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { Observation } from '../contract/observation.ts';
import type { ResumeSyncPlan } from '../contract/payloads.ts';
import { bytesBetween, caughtUpStandbys } from './durability-debt.ts';
import { expectedRule, sameRule } from './expected-rule.ts';
import { onlyPrimary } from './only-primary.ts';
import { bytes, counted, duration, listed, secondsBetween } from './quantities.ts';
import { synchronousSituation } from './synchronous-situation.ts';
import { renderSynchronousStandbyNames } from './synchronous-standby-names.ts';

/**
 * @param current the allowance on record; once it is over, writes may block. One that cannot be read is not known to be over
 * @param blockWrites the operator wants the rule back although commits will wait
 * @throws OperatorError NoPrimary, TwoPrimaries, TooFewStandbys
 */
export function planResumeSync(
  cluster: Cluster,
  observation: Observation,
  current: AllowanceOnRecord,
  { blockWrites }: { readonly blockWrites: boolean },
  now: Date,
): ResumeSyncPlan {
  const { node, facts } = onlyPrimary(cluster, observation);
  const { count } = cluster.replication;
  const ready = caughtUpStandbys(cluster, node, facts);
  const writesBlock = ready.length < count;
  const expired = current !== null && current !== 'unreadable' && now.getTime() >= Date.parse(current.until);
  if (writesBlock && !expired && !blockWrites) {
    throw new OperatorError(
      'TooFewStandbys',
      `A commit would need ${counted(count, 'standby')}, and ${ready.length === 0 ? '' : 'only '}${listed(ready, 'has')} caught up: writes on ${node} would block.`,
      'Nothing was changed. Bring a standby back; or, if writes are to wait for one, start this runbook with {"blockWrites": true}.',
    );
  }
  const rule = expectedRule(cluster, node);
  const found = synchronousSituation(facts)?.rule;
  const names = renderSynchronousStandbyNames(rule);
  return {
    primary: node,
    synchronousStandbyNames: names,
    inForce: found !== undefined && sameRule(found, rule),
    writesBlock,
    summary: [
      writesBlock
        ? `Commits on ${node} are synchronous again, and wait: they need ${counted(count, 'standby')}, and ${ready.length === 0 ? '' : 'only '}${listed(ready, 'has')} caught up.`
        : `Commits on ${node} are synchronous again (${names}); ${listed(ready, 'has')} caught up.`,
      ...(current === null
        ? []
        : [current === 'unreadable' ? unreadable : history(current, node, facts.lsn, expired && writesBlock, now)]),
    ],
  };
}

const unreadable =
  'The allowance on record could not be read and is removed: for how long commits returned without a standby is not known.';

function history(allowance: Allowance, node: string, lsn: string | null, expired: boolean, now: Date): string {
  const ended = expired ? 'The time that was allowed is over. ' : '';
  const lasted = `Commits returned without a standby for ${duration(secondsBetween(allowance.since, now))}`;
  const debt = bytesBetween(allowance.lsn, lsn ?? allowance.lsn);
  return allowance.primary === node
    ? `${ended}${lasted}: ${bytes(debt)} of WAL after ${allowance.lsn}.`
    : `${ended}${lasted} on ${allowance.primary}, which was the primary then.`;
}
