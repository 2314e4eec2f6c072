/** Which standby is promoted: the one with the most WAL, if no acknowledged commit can be missing there. */
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { Candidate, Detached, FailoverPlan, Fence, StandbyPosition } from '../contract/promotions.ts';
import { whyCommitsMayBeMissing } from './acknowledged-commits.ts';
import { expectedStandbyNames } from './expected-rule.ts';
import { explainFailure } from './failure.ts';
import { lsnPosition, lsnText } from './lsn.ts';
import { list } from './quantities.ts';

interface Reached {
  readonly node: string;
  readonly position: StandbyPosition;
}

/** How far its WAL goes, as a number of bytes. */
const end = ({ position }: Reached): bigint => {
  const [received, replayed] = [lsnPosition(position.receivedLsn), lsnPosition(position.replayedLsn)];
  return received > replayed ? received : replayed;
};

/** The command to paste that goes on although commits may be lost. */
export type OverrideCommand = (input: object) => string;

/**
 * Refuses when acknowledged commits may be missing on every standby that was reached.
 *
 * @param standbyNamesInFile the rule in the former primary's own configuration, where that could be read: it may have
 *   been changed after the last check
 * @throws OperatorError DataLossPossible
 */
export function requireAllCommits(
  plan: Pick<FailoverPlan, 'rule' | 'risk' | 'formerPrimary' | 'allowDataLoss'>,
  reached: readonly string[],
  most: string | null,
  override: OverrideCommand,
  standbyNamesInFile?: string,
): string[] {
  // A rule that was seen on another primary says nothing of this one.
  const rule = plan.rule !== null && (plan.formerPrimary ?? plan.rule.node) === plan.rule.node ? plan.rule : null;
  const inFile =
    rule !== null && standbyNamesInFile !== undefined ? { ...rule, standbyNames: standbyNamesInFile } : rule;
  const why = plan.risk ?? whyCommitsMayBeMissing(rule, reached) ?? whyCommitsMayBeMissing(inFile, reached);
  if (why === null) return [];
  if (plan.allowDataLoss) return [`Commits may be lost, which was allowed: ${why}`];
  const known =
    rule === null
      ? ''
      : `\nWhen ${rule.node} was last seen, commits waited for ${rule.standbys.length > 0 ? list(rule.standbys) : 'nobody'} (synchronous_standby_names = ${rule.standbyNames}, unchanged since ${rule.since}).`;
  throw new OperatorError(
    'DataLossPossible',
    `Commits that were acknowledged may be on none of the standbys that can be reached (${reached.length > 0 ? list(reached) : 'none'}). ${why}${known}${most === null ? '' : `\n${most}`}`,
    `Bring a missing node back and start the failover again. To go on although those commits may be lost:\n${override({ allowDataLoss: true, reason: 'why the loss is acceptable' })}`,
  );
}

/**
 * Chooses the node to be promoted.
 *
 * @throws OperatorError NoCandidate, TwoPrimaries or DataLossPossible
 */
export function chooseCandidate(
  cluster: Cluster,
  plan: FailoverPlan,
  fence: Fence,
  detached: readonly Detached[],
  override: OverrideCommand,
): Candidate {
  if (plan.promoted !== null) return goingOn(cluster, plan.promoted, plan.follow);
  const reached = detached.flatMap((report): Reached[] => ('position' in report ? [report] : []));
  const [promoted, another] = reached.filter(({ position }) => !position.inRecovery);
  if (another !== undefined) {
    throw new OperatorError(
      'TwoPrimaries',
      `${promoted?.node} and ${another.node} accept writes.`,
      'Stop the applications, decide which node holds the truth, and stop PostgreSQL on the other.',
    );
  }
  if (promoted !== undefined) {
    return goingOn(
      cluster,
      promoted.node,
      reached.map(({ node }) => node).filter((node) => node !== promoted.node),
    );
  }
  const priority = (node: string) => cluster.nodes.findIndex(({ name }) => name === node);
  const [best, ...others] = reached.toSorted(
    (a, b) =>
      b.position.timeline - a.position.timeline ||
      (end(a) < end(b) ? 1 : end(a) > end(b) ? -1 : 0) ||
      priority(a.node) - priority(b.node),
  );
  if (best === undefined) {
    const said = detached.map((report) =>
      'failure' in report ? `${report.node}: ${explainFailure(report.failure).cause}` : '',
    );
    throw new OperatorError(
      'NoCandidate',
      `No standby could be asked how far its WAL goes.\n${said.join('\n')}`,
      'Bring a standby back.',
    );
  }
  const where = ({ node, position }: Reached) =>
    `${node} at ${lsnText(end({ node, position }))} on timeline ${position.timeline}`;
  const loss = requireAllCommits(
    plan,
    reached.map(({ node }) => node),
    `The most WAL that can be reached: ${where(best)}.`,
    override,
    fence.method === 'host' ? fence.detail.standbyNames : undefined,
  );
  return {
    node: best.node,
    standbyNames: expectedStandbyNames(cluster, best.node),
    // A byte less: the position itself is where the next record will begin.
    minimumLsn: lsnText(end(best) > 0n ? end(best) - 1n : 0n),
    others: others.map(({ node }) => ({ node, stopped: false })),
    reasons: [
      others.length > 0
        ? `${where(best)} was chosen: no other standby has more (${list(others.map(where))}).`
        : `${where(best)} was chosen: it is the only standby that can be reached.`,
      ...loss,
    ],
  };
}

function goingOn(cluster: Cluster, node: string, others: string[]): Candidate {
  return {
    node,
    standbyNames: expectedStandbyNames(cluster, node),
    minimumLsn: '0/0',
    others: others.map((other) => ({ node: other, stopped: false })),
    reasons: [`${node} was the primary already.`],
  };
}
