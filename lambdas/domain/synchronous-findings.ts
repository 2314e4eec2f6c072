/** Do commits return, and do they return only when a standby has them? */
import type { Allowance } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import type { CheckerMemory, Finding } from '../contract/health.ts';
import type { ReplicationRow } from '../contract/observation.ts';
import { bytesBetween, caughtUpStandbys } from './durability-debt.ts';
import { finding } from './finding-policy.ts';
import { lsnPosition } from './lsn.ts';
import { agreeing, bytes, counted, list, listed, waitingSessions } from './quantities.ts';
import { type Answered, type Survey, sameName, spoke } from './survey.ts';
import {
  localCommitLevels,
  ruleInForce,
  type SynchronousSituation,
  synchronousSituation,
} from './synchronous-situation.ts';
import { suspiciousSeconds, waitsStill } from './waiting-commits.ts';

/** A commit that has waited this long is stuck: a standby that only reconnects is back within it. */
const stuckSeconds = 5;
/** Managed standbys reply every second. */
const silentReplySeconds = 5;

export function synchronousFindings(seen: Survey): Finding[] {
  const { primary } = seen;
  if (primary === null) return [];
  const situation = synchronousSituation(primary.facts);
  if (situation === null) return [...unprotected(seen, primary), ...durabilityRisk(seen, primary)];
  return [
    ...(situation.candidates.length < situation.rule.count
      ? [tooFewStandbys(seen, primary, situation)]
      : [...stalledStandbys(seen, primary, situation), ...changedStandby(seen, primary, situation)]),
    ...durabilityRisk(seen, primary),
  ];
}

function waits({ facts }: Answered): string {
  const { count, oldestSeconds } = facts.blockedSessions;
  if (count === 0) return 'No session waits at the moment; the next commit will';
  return waitingSessions(count, oldestSeconds);
}

/** Fewer standbys stream than the rule asks for: whatever commits next waits for them. */
function tooFewStandbys(seen: Survey, primary: Answered, { rule, candidates }: SynchronousSituation): Finding {
  const present = candidates.length;
  const absent = seen.cluster.nodes.filter(
    ({ name }) =>
      name !== primary.node.name &&
      rule.names.some((each) => each === '*' || sameName(each, name)) &&
      !candidates.some((row) => sameName(row.applicationName, name)),
  );
  // A standby whose PostgreSQL runs may be reconnecting, as after a restart of the primary.
  const mayReturn = absent.filter((node) => {
    const silent = seen.silent.find((candidate) => candidate.node === node);
    return silent === undefined || spoke(silent);
  });
  const certain =
    present + mayReturn.length < rule.count || primary.facts.blockedSessions.oldestSeconds >= stuckSeconds;
  return finding(
    'WritesBlocked',
    primary.node.name,
    {
      title:
        present === 0
          ? 'writes blocked, no synchronous standby'
          : `writes blocked, ${present} of ${rule.count} synchronous standbys`,
      message: `A commit needs ${counted(rule.count, 'standby')}, and ${present === 0 ? 'none streams' : `only ${present} ${agreeing(present, 'streams')}`}. ${waits(primary)}.`,
    },
    { certain },
  );
}

/** Enough standbys stream, and yet commits wait: one of them hangs, or cannot keep up. */
function stalledStandbys(seen: Survey, primary: Answered, { rule, confirming }: SynchronousSituation): Finding[] {
  if (primary.facts.blockedSessions.oldestSeconds < suspiciousSeconds) return [];
  const mute = confirming.filter((row) => doesNotConfirm(seen, primary, row));
  if (!waitsStill(primary, seen.memory, seen.now) && confirming.length - mute.length >= rule.count) return [];
  const culprits = mute.length > 0 ? mute : confirming;
  const names = list(culprits.map(({ applicationName }) => applicationName));
  return [
    finding(
      'WritesBlocked',
      primary.node.name,
      {
        title: `writes blocked, waiting for ${names}`,
        message: `${waits(primary)}. They wait for ${names}: ${mute.length > 0 ? 'connected, but without an answer' : 'answering, but not confirming'}.`,
      },
      { certain: true },
    ),
  ];
}

/** A standby that is connected and cannot confirm: hung, out of reach, or told not to replay. */
function doesNotConfirm(seen: Survey, primary: Answered, row: ReplicationRow): boolean {
  const isIt = ({ node }: { readonly node: { readonly name: string } }) => sameName(node.name, row.applicationName);
  const paused = seen.answered.some((each) => isIt(each) && each.facts.replayPaused);
  return (
    (row.replyAgeSeconds ?? 0) >= silentReplySeconds ||
    seen.silent.some((each) => isIt(each) && !spoke(each)) ||
    (paused && primary.facts.synchronousCommit === 'remote_apply')
  );
}

/** With FIRST, another standby than the preferred ones is synchronous. */
function changedStandby(seen: Survey, primary: Answered, { rule, confirming }: SynchronousSituation): Finding[] {
  if (rule.method !== 'FIRST') return [];
  const nodes = rule.names.filter((name) => seen.cluster.nodes.some((node) => sameName(node.name, name)));
  const preferred = nodes.filter((name) => !sameName(name, primary.node.name)).slice(0, rule.count);
  const now = confirming.map(({ applicationName }) => applicationName);
  const replaced = preferred.filter((name) => !now.some((each) => sameName(each, name)));
  const instead = now.filter((name) => !preferred.some((each) => sameName(each, name)));
  if (replaced.length === 0 || instead.length === 0) return [];
  // One that does not answer either has not just lost its connection for a moment.
  const certain = replaced.every((name) => seen.silent.some((each) => sameName(each.node.name, name) && !spoke(each)));
  return [
    finding(
      'SynchronousStandbyChanged',
      null,
      {
        title: `${listed(instead, 'is')} synchronous now`,
        message: `${listed(instead, 'is')} the synchronous ${instead.length === 1 ? 'standby' : 'standbys'} now, in place of ${list(replaced)}.`,
      },
      {
        detail: instead
          .map((name) => name.toLowerCase())
          .toSorted()
          .join(','),
        certain,
      },
    ),
  ];
}

/** Commits return without a standby: because somebody allowed that for a time, or because the settings are wrong. */
function unprotected(seen: Survey, primary: Answered): Finding[] {
  const { allowance } = seen;
  if (primary.facts.synchronousStandbyNames.trim() !== '') return notReplicated(primary);
  if (allowance === 'unreadable') return [suspendedForUnknownTime(seen, primary)];
  return allowance?.primary === primary.node.name ? [suspended(seen, primary, allowance)] : notReplicated(primary);
}

function suspended({ cluster, now }: Survey, { node, facts }: Answered, allowance: Allowance): Finding {
  const overdue = now.getTime() >= Date.parse(allowance.until);
  const caughtUp = caughtUpStandbys(cluster, node.name, facts);
  const debt = bytesBetween(allowance.lsn, facts.lsn ?? allowance.lsn);
  const who = allowance.automatic ? 'by policy (whenNoStandby: degrade)' : `by allow-async: ${allowance.reason}`;
  const held =
    caughtUp.length > 0
      ? `${listed(caughtUp, 'has')} caught up.`
      : `It is lost if ${node.name} is lost: no standby has caught up.`;
  return finding(
    'SynchronousReplicationSuspended',
    node.name,
    {
      title: overdue
        ? `writes go on without a standby beyond ${clock(allowance.until)}`
        : `writes go on without a standby until ${clock(allowance.until)}`,
      message: `Commits on ${node.name} return without a standby since ${utcMinutes(allowance.since)}, until ${utcMinutes(allowance.until)}${overdue ? ' at the latest, which has passed' : ''}; ${who}. Durability debt: ${bytes(debt)} of WAL after ${allowance.lsn}. ${held}`,
    },
    // A person who allowed it knows; a policy did it in nobody's sight.
    { severity: allowance.automatic || overdue ? 'critical' : 'warning' },
  );
}

/** The allowance cannot be read, so its end cannot be kept. */
function suspendedForUnknownTime({ cluster }: Survey, { node, facts }: Answered): Finding {
  const caughtUp = caughtUpStandbys(cluster, node.name, facts);
  const held = caughtUp.length > 0 ? `${listed(caughtUp, 'has')} caught up.` : 'No standby has caught up.';
  return finding(
    'SynchronousReplicationSuspended',
    node.name,
    {
      title: 'writes go on without a standby, nobody knows until when',
      message: `Commits on ${node.name} return without a standby. The allowance that explains it is on record and cannot be read, so its end is not known. ${held}`,
    },
    { severity: 'critical' },
  );
}

const clock = (time: string) => `${time.slice(11, 16)} UTC`;
const utcMinutes = (time: string) => `${time.slice(0, 16).replace('T', ' ')} UTC`;

/** The primary's own settings let commits return before a standby has them. */
function notReplicated({ node, facts }: Answered): Finding[] {
  const level = localCommitLevels.has(facts.synchronousCommit);
  const setting = level ? `synchronous_commit is ${facts.synchronousCommit}` : 'synchronous_standby_names is empty';
  if (!level && ruleInForce(facts) !== null) return [];
  return [
    finding('CommitsNotReplicated', node.name, {
      title: 'commits are not synchronous',
      message: `${setting} on ${node.name}: commits return without any standby, and are lost if ${node.name} is.`,
    }),
  ];
}

/** Commits that returned without a standby, and perhaps are on none still. */
function durabilityRisk({ memory, cluster }: Survey, { node, facts }: Answered): Finding[] {
  const risk = memory.durabilityRisk;
  if (risk === null || risk.node !== node.name) return unreadRisk(memory, cluster, node.name);
  const since = lsnPosition(risk.lsn);
  const furthest = facts.replication
    .flatMap(({ flushLsn }) => (flushLsn === null ? [] : [lsnPosition(flushLsn)]))
    .reduce((a, b) => (b > a ? b : a), 0n);
  const missing =
    since > furthest && furthest > 0n
      ? ` The most advanced standby lacks ${bytes(Number(since - furthest))} of it.`
      : '';
  const [title, why] =
    risk.cause === 'restart'
      ? [
          'commits without a standby after a restart',
          `Commits were waiting for a standby when ${node.name} restarted. They are visible now, and until`,
        ]
      : [
          'commits without a standby from before',
          `Commits were allowed to return without a standby since ${utcMinutes(risk.since)}. That is over, and until`,
        ];
  return [
    finding('DurabilityRisk', node.name, {
      title,
      message: `${why} ${counted(cluster.replication.count, 'standby', 'has')} received WAL up to ${risk.lsn} they exist on ${node.name} only.${missing}`,
    }),
  ];
}

/** What the checker remembered of such commits cannot be read: there may be some. */
function unreadRisk({ unread }: CheckerMemory, cluster: Cluster, primary: string): Finding[] {
  if (unread === null) return [];
  const until = unread.lsn === null ? 'all of its WAL' : `WAL up to ${unread.lsn}`;
  return [
    finding('DurabilityRisk', primary, {
      title: 'commits may be without a standby: memory unreadable',
      message: `What the checker remembered cannot be read: ${list(unread.parts)}. It may have told of commits that exist on ${primary} only. Until ${counted(cluster.replication.count, 'standby', 'has')} received ${until}, no failover starts by itself, and one that is started refuses unless data loss is allowed.`,
    }),
  ];
}
