/**
 * Reasons for the checker to start a runbook by itself, as one observation shows them. Only what the policy of the
 * cluster allows, and never from doubt: that a node cannot be reached is no reason; that no standby receives from the
 * primary any more, besides, is one.
 */
import type { ClusterNode } from '../contract/cluster-config.ts';
import type { Health } from '../contract/health.ts';
import type { AutomaticRunbook } from '../contract/names.ts';
import { caughtUpStandbys } from './durability-debt.ts';
import { secondsOfChecks } from './persistence.ts';
import { type Answered, type Silent, type Survey, streamingStandbys, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';
import { unseenPrimary } from './unseen-primary.ts';

export interface Trigger {
  /** Identity of the reason from one check to the next. */
  readonly key: string;
  readonly runbook: AutomaticRunbook;
  readonly input: object;
  /** What it is about, for the name of the execution; empty when the runbook says it all. */
  readonly subject: string;
  /** How long it must have been there in every check. */
  readonly lastsSeconds: number;
  /** Two further looks at the cluster must show it as well, at once. */
  readonly confirmed: boolean;
  /** Pauses before the second, third … attempt; there is one more attempt than pauses. */
  readonly pausesSeconds: readonly number[];
}

const minutes = (...counts: number[]): number[] => counts.map((count) => count * 60);

/** Three attempts; who has not succeeded then needs a person. */
const threeAttempts = minutes(2, 10);
/** The end of an allowance is a promise: it is tried for hours. */
const persistent = minutes(1, 2, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10);
/** A primary that starts, or shuts down, is given this long. */
const primaryStartSeconds = 60;
/** A standby that comes back from a reboot needs this long to be up; one that recovers from a crash needs longer. */
const standbyReturnSeconds = 20;
const standbyRecoverySeconds = 300;
/** Standbys reconnect within seconds when their primary has restarted. */
const blockedSeconds = 15;

/** The reasons that there are, most urgent first. */
export function triggers(seen: Survey, health: Health): Trigger[] {
  // While the standbys receive from a node that cannot be asked, whoever else accepts writes is not their primary.
  if (!seen.memory.setUp || unseenPrimary(seen, seen.primary?.facts.timeline) !== null) return [];
  return [...failover(seen, health), ...resume(seen), ...degrade(seen, health), ...rejoin(seen)];
}

/** The primary that was known is down: nothing answers there, and no standby receives from it. */
function failover({ cluster, memory, answered, allowance }: Survey, { status, findings }: Health): Trigger[] {
  if (cluster.policy.failover !== 'automatic' || status !== 'primary-down') return [];
  const down = findings.find(({ kind }) => kind === 'PrimaryDown');
  if (down === undefined || down.node === null || memory.primary?.node !== down.node) return [];
  // Somebody must be there to take over, and commits that may be on the primary only are for a person to give up.
  const allowed = allowance === 'unreadable' || allowance?.primary === down.node;
  const { suspension, durabilityRisk, unread } = memory;
  const unprotected = allowed || suspension !== null || durabilityRisk !== null || unread !== null;
  if (answered.length === 0 || unprotected) return [];
  return [
    {
      key: `failover:${down.node}`,
      runbook: 'failover',
      input: {},
      subject: down.node,
      lastsSeconds: down.certain ? 0 : primaryStartSeconds,
      confirmed: true,
      pausesSeconds: minutes(1, 5),
    },
  ];
}

/** An allowance to commit without standbys that has served its purpose, or is over. */
function resume({ cluster, primaries, allowance, now }: Survey): Trigger[] {
  const [primary] = primaries;
  if (allowance === null || primary === undefined || primaries.length > 1) return [];
  // The end of one that cannot be read is not known: it ends when standbys have caught up, or by hand.
  const { since, until } = allowance === 'unreadable' ? { since: 'unreadable', until: null } : allowance;
  const expired = until !== null && now.getTime() >= Date.parse(until);
  const ready = caughtUpStandbys(cluster, primary.node.name, primary.facts).length >= cluster.replication.count;
  // The rule may be back for another reason, such as a failover: then the allowance only has to go.
  const inForce = synchronousSituation(primary.facts) !== null;
  const served = inForce && allowance !== 'unreadable';
  if (!expired && !ready && !served) return [];
  return [
    {
      // The end that was promised does not share its attempts with early returns, nor with the time before an extension.
      key: expired ? `resume-sync:end:${until}` : `resume-sync:${since}`,
      runbook: 'resume-sync',
      input: inForce ? { blockWrites: true } : {},
      subject: '',
      lastsSeconds: expired ? 0 : secondsOfChecks(cluster, 2),
      confirmed: false,
      pausesSeconds: persistent,
    },
  ];
}

export const degradeKey = 'degrade';

/** Commits wait because standbys are missing, and the policy is to go on without them for a time. */
function degrade({ cluster, primaries, allowance }: Survey, { findings }: Health): Trigger[] {
  // What is left of an earlier allowance is cleared first.
  if (cluster.policy.whenNoStandby !== 'degrade' || allowance !== null) return [];
  const [primary] = primaries;
  if (primary === undefined || primaries.length > 1) return [];
  const situation = synchronousSituation(primary.facts);
  const missing = situation !== null && situation.candidates.length < situation.rule.count;
  if (!missing || !findings.some(({ kind }) => kind === 'WritesBlocked')) return [];
  return [
    {
      key: degradeKey,
      runbook: 'allow-async',
      input: { minutes: cluster.policy.degradeMinutes, reason: 'policy whenNoStandby: degrade' },
      subject: '',
      lastsSeconds: Math.max(blockedSeconds, secondsOfChecks(cluster, 3)),
      confirmed: false,
      pausesSeconds: minutes(1, 5),
    },
  ];
}

/** Nodes that are there and do not replicate. */
function rejoin(seen: Survey): Trigger[] {
  const { cluster, primaries } = seen;
  if (!cluster.policy.autoRejoin) return [];
  const [primary] = primaries;
  if (primary === undefined) return [];
  // At once: applications that find it first wait there for as long as it runs.
  if (primaries.length > 1) return formerPrimary(seen).map(({ name }) => ({ ...rejoinOf(name, 0), confirmed: true }));
  return cluster.nodes.flatMap((node) => {
    if (node === primary.node || walsenderOf(primary.facts, node.name) !== undefined) return [];
    const answered = seen.answered.find((candidate) => candidate.node === node);
    const silent = seen.silent.find((candidate) => candidate.node === node);
    const patience = answered === undefined ? silentPatience(silent) : runningPatience(answered, primary);
    return patience === null ? [] : [rejoinOf(node.name, Math.max(patience, secondsOfChecks(cluster, 3)))];
  });
}

function rejoinOf(node: string, lastsSeconds: number): Trigger {
  return {
    key: `rejoin:${node}`,
    runbook: 'rejoin',
    input: { node },
    subject: node,
    lastsSeconds,
    confirmed: false,
    pausesSeconds: threeAttempts,
  };
}

/** For how long a node without PostgreSQL is left alone; null for ever: its host is out of reach, or nobody knows. */
function silentPatience(silent: Silent | undefined): number | null {
  if (silent?.failure.kind === 'refused') return standbyReturnSeconds;
  return silent?.failure.kind === 'starting-up' ? standbyRecoverySeconds : null;
}

/** The same of a standby that runs and does not stream; another database is not ours to touch. */
function runningPatience({ facts }: Answered, primary: Answered): number | null {
  return facts.systemIdentifier === primary.facts.systemIdentifier ? standbyReturnSeconds : null;
}

/**
 * A former primary that has come back after a failover: nobody follows it, its timeline is the older one, and its rule
 * for commits is in force, so that it cannot have acknowledged anything since. Anything else is for a person.
 */
function formerPrimary({ primaries, cluster }: Survey): ClusterNode[] {
  const [older, newer, ...others] = primaries.toSorted((a, b) => a.facts.timeline - b.facts.timeline);
  if (older === undefined || newer === undefined || others.length > 0) return [];
  const isStale =
    older.facts.timeline < newer.facts.timeline &&
    older.facts.systemIdentifier === newer.facts.systemIdentifier &&
    older.facts.replication.length === 0 &&
    synchronousSituation(older.facts) !== null &&
    streamingStandbys(cluster, newer.facts).length > 0;
  return isStale ? [older.node] : [];
}
