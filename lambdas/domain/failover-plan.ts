/** Is the primary down, as far as several witnesses can tell, and what does a failover then do? */
import type { AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { CheckerMemory } from '../contract/health.ts';
import type { Observation } from '../contract/observation.ts';
import type { FailoverPlan } from '../contract/promotions.ts';
import { expectedStandbyNames } from './expected-rule.ts';
import { agreeing, list } from './quantities.ts';
import { type Answered, type Silent, type Survey, spoke, streamingStandbys, survey, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';
import { unseenPrimary } from './unseen-primary.ts';

export interface FailoverEvidence {
  readonly observation: Observation;
  readonly memory: CheckerMemory;
  /** The allowance to commit without standbys that is on record: no check may have seen yet what it let go. */
  readonly allowance: AllowanceOnRecord;
}

export interface FailoverRequest {
  readonly allowDataLoss: boolean;
  readonly reason: string;
}

const names = (nodes: readonly { readonly node: ClusterNode }[]) => list(nodes.map(({ node }) => node.name));

/**
 * Plans a failover.
 *
 * @throws OperatorError PrimaryIsHealthy, PrimaryStateUnknown, NoCandidate, TwoPrimaries, ForeignData
 */
export function planFailover(
  cluster: Cluster,
  evidence: FailoverEvidence,
  request: FailoverRequest,
  now: Date,
): FailoverPlan {
  const { observation, memory, allowance } = evidence;
  const seen = survey(cluster, observation, memory, now, allowance);
  const common = { rule: memory.synchronous, ...request };
  if (seen.primaries.length > 0) return { ...goOn(seen), ...common, risk: riskOf(memory, null) };
  const former = formerPrimary(seen);
  const candidates = seen.answered;
  requireOneDatabase(candidates);
  return {
    formerPrimary: former?.node.name ?? null,
    fence: former !== null,
    promoted: null,
    detach: candidates.map(({ node }) => ({ node: node.name, standbyNames: expectedStandbyNames(cluster, node.name) })),
    follow: [],
    evidence: former === null ? ['Every node answers, and none accepts writes.'] : witnesses(former, seen),
    ...common,
    risk: riskOf(memory, concerning(allowance, former)),
  };
}

/** An allowance that was made for another primary is over with that. */
function concerning(allowance: AllowanceOnRecord, former: Silent | null): AllowanceOnRecord {
  if (allowance === null || allowance === 'unreadable' || former === null) return allowance;
  return allowance.primary === former.node.name ? allowance : null;
}

/** Commits that are, or may be, on the primary alone: a failover would lose them. */
function riskOf({ durabilityRisk, suspension, unread }: CheckerMemory, allowance: AllowanceOnRecord): string | null {
  if (suspension !== null) {
    return `Commits on ${suspension.node} after ${suspension.lsn} (${suspension.since}) were allowed to return without a standby.`;
  }
  if (allowance === 'unreadable') {
    return 'An allowance to commit without a standby is on record and cannot be read: commits may have returned without one, and nothing shows that standbys have them. Once a primary answers, the resume-sync runbook removes the allowance.';
  }
  if (allowance !== null) {
    return `Commits on ${allowance.primary} after ${allowance.lsn} (${allowance.since}) were allowed to return without a standby, and nothing shows that standbys have them.`;
  }
  if (durabilityRisk === null) return unread === null ? null : unreadRisk(unread.parts);
  const why = durabilityRisk.cause === 'restart' ? 'became visible when it restarted' : 'returned without a standby';
  return `Commits up to ${durabilityRisk.lsn} on ${durabilityRisk.node} ${why}, and no standby has confirmed them.`;
}

function unreadRisk(parts: readonly string[]): string {
  return `What the checker remembered cannot be read: ${list(parts)}. It may have told of commits that are on the primary alone, and standbys have not been seen to hold all of its WAL since.`;
}

/** The primary that is down. Whoever doubts that it is, refuses. */
function formerPrimary(seen: Survey): Silent | null {
  if (seen.answered.length === 0) {
    throw unknown('No node answers: the observer may be cut off from the cluster.', seen.silent);
  }
  if (seen.silent.length === 0) return null;
  requireSeen(seen, 0);
  const former = seen.silent.find(({ node }) => node === seen.presumedPrimary);
  if (former === undefined) {
    throw unknown(`Nothing says which of ${names(seen.silent)} was the primary.`, seen.silent);
  }
  const { kind } = former.failure;
  if (spoke(former) && kind !== 'starting-up' && kind !== 'shutting-down') {
    throw unknown(`PostgreSQL on ${former.node.name} answers, and does not let the observer in.`, [former]);
  }
  return former;
}

/** Whoever feeds a standby runs, and is the primary, whether it can be asked or not. */
function requireSeen(seen: Survey, afterTimeline: number): void {
  const unseen = unseenPrimary(seen, afterTimeline);
  if (unseen === null) return;
  throw unknown(
    `${names(unseen.standbys)} still ${agreeing(unseen.standbys.length, 'receives')} WAL from ${unseen.node.name}: it runs, and only the observer cannot ask it.`,
    [unseen],
  );
}

function unknown(what: string, silent: readonly Silent[]): OperatorError {
  const said = silent.map(({ node, failure }) => `${node.name}: ${failure.kind}: ${failure.message}`);
  return new OperatorError(
    'PrimaryStateUnknown',
    `${what}\n${said.join('\n')}`,
    'Nothing was changed. "Cannot be reached" is not "is down": look at the instance, its PostgreSQL and the network. If the primary is to be given up, stop its instance in the EC2 console and start the failover again.',
  );
}

function requireOneDatabase(candidates: readonly Answered[]): void {
  if (candidates.length === 0) {
    throw new OperatorError('NoCandidate', 'No standby answers: there is nothing to promote.', 'Bring a standby back.');
  }
  const identifiers = new Set(candidates.map(({ facts }) => facts.systemIdentifier));
  if (identifiers.size > 1) {
    throw new OperatorError(
      'ForeignData',
      `${names(candidates)} hold different databases: their system identifiers differ.`,
      'Stop PostgreSQL where it is not this cluster’s, then start the failover again.',
    );
  }
}

function witnesses(former: Silent, seen: Survey): string[] {
  return [
    `${former.node.name} does not answer (${former.failure.kind}: ${former.failure.message}).`,
    `${names(seen.answered)} ${agreeing(seen.answered.length, 'answers')}, and ${seen.answered.length === 1 ? 'does not receive' : 'none receives'} WAL from it.`,
  ];
}

/**
 * A primary answers. If it was promoted by a failover that did not finish, this one goes on: the others do not stream
 * from it, so its commits wait. A primary whose commits are confirmed is none to fail over from.
 */
function goOn(seen: Survey): Omit<FailoverPlan, 'rule' | 'risk' | 'allowDataLoss' | 'reason'> {
  const [promoted, ...older] = seen.primaries.toSorted((a, b) => b.facts.timeline - a.facts.timeline);
  if (promoted === undefined) throw new RangeError('there is no primary');
  requireSeen(seen, promoted.facts.timeline);
  const [former] = older;
  const streaming = ({ facts }: Answered) => streamingStandbys(seen.cluster, facts).length;
  if (former !== undefined) {
    const foreign = older.some(({ facts }) => facts.systemIdentifier !== promoted.facts.systemIdentifier);
    if (older.length > 1 || foreign || former.facts.timeline === promoted.facts.timeline || streaming(former) > 0) {
      throw new OperatorError(
        'TwoPrimaries',
        `${names(seen.primaries)} accept writes at the same time, on timelines ${list(seen.primaries.map(({ facts }) => `${facts.timeline}`))}.`,
        'Stop the applications, decide which node holds the truth, and stop PostgreSQL on the others.',
      );
    }
  }
  const situation = synchronousSituation(promoted.facts);
  const needs = situation?.rule.count ?? seen.cluster.replication.count;
  const follow = seen.answered
    .filter(({ node, facts }) => facts.inRecovery && walsenderOf(promoted.facts, node.name)?.state !== 'streaming')
    .map(({ node }) => node.name);
  if (former === undefined && (streaming(promoted) >= needs || follow.length === 0)) {
    throw new OperatorError(
      'PrimaryIsHealthy',
      `${promoted.node.name} is the primary, answers, and is not in recovery.`,
      `Nothing was changed. To make another node the primary use switchover; to bring a node back that does not follow it use rejoin.`,
    );
  }
  return {
    formerPrimary: former?.node.name ?? null,
    fence: former !== undefined,
    promoted: promoted.node.name,
    detach: [],
    follow,
    evidence: [
      `${promoted.node.name} accepts writes already (timeline ${promoted.facts.timeline}), as after a failover that was stopped on its way. This run finishes it.`,
      ...(follow.length > 0 ? [`Not following it yet: ${list(follow)}.`] : []),
      ...(former === undefined
        ? []
        : [`Still accepting writes, on timeline ${former.facts.timeline}: ${former.node.name}.`]),
    ],
  };
}
