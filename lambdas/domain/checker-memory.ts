/** What the next check has to know of this one. While a cluster is healthy it does not change. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { CheckerMemory } from '../contract/health.ts';
import type { NodeFacts } from '../contract/observation.ts';
import { lsnPosition } from './lsn.ts';
import { same } from './same.ts';
import { isLagging } from './standby-findings.ts';
import { type Answered, type Survey, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';
import { unseenPrimary } from './unseen-primary.ts';
import { waitingCommits } from './waiting-commits.ts';

/** Memory of a cluster that was never checked. */
export const emptyMemory: CheckerMemory = {
  setUp: false,
  primary: null,
  synchronous: null,
  lagging: [],
  waiting: null,
  durabilityRisk: null,
  suspension: null,
  unread: null,
  held: [],
};

/**
 * Whether the cluster has ever been set up. Setup sets synchronous_standby_names last; and a standby whose primary
 * does not answer belongs to a cluster that has been set up before.
 */
export function isSetUp({ memory, primaries, answered }: Survey): boolean {
  if (memory.setUp) return true;
  if (primaries.length === 0) return answered.length > 0;
  return primaries.some(({ facts }) => synchronousSituation(facts) !== null);
}

/** Memory after this observation, for judging it: a restart of the primary that it shows is remembered here first. */
export function remember(seen: Survey): CheckerMemory {
  const { memory, primary } = seen;
  if (!isSetUp(seen)) return memory;
  // Nothing is learnt about a primary that cannot be asked, nor from two of them, nor from a former one that came back.
  if (primary === null || seen.primaries.length > 1 || unseenPrimary(seen, primary.facts.timeline) !== null)
    return { ...memory, setUp: true };
  const { node, facts } = primary;
  const situation = synchronousSituation(facts);
  const blocked = situation !== null && situation.candidates.length < situation.rule.count;
  return {
    setUp: true,
    primary: { node: node.name, startedAt: facts.startedAt },
    synchronous: synchronousSeen(seen, primary),
    lagging: seen.cluster.nodes
      .map(({ name }) => name)
      .filter((name) => {
        const row = walsenderOf(facts, name);
        return row?.state === 'streaming' && isLagging(seen.cluster, row, memory.lagging.includes(name));
      }),
    waiting: waitingCommits(primary, memory, blocked, seen.now),
    durabilityRisk: durabilityRisk(seen, primary),
    suspension: suspension(seen, primary),
    unread: unread(seen, primary),
    held: memory.held,
  };
}

/** What is remembered of the rule; the same object as before while nothing has changed. */
function synchronousSeen({ memory, now }: Survey, { node, facts }: Answered): CheckerMemory['synchronous'] {
  const standbys = (synchronousSituation(facts)?.confirming ?? []).map(({ applicationName }) => applicationName);
  const { synchronousStandbyNames: standbyNames, synchronousCommit: commitLevel } = facts;
  const found = { node: node.name, standbyNames, commitLevel, standbys: standbys.toSorted() };
  const before = memory.synchronous;
  return before !== null && same({ ...before, since: '' }, { ...found, since: '' })
    ? before
    : { ...found, since: now.toISOString() };
}

/** Commits return without a standby by an allowance; one that was made for another primary explains nothing. */
function suspension(seen: Survey, { node, facts }: Answered): CheckerMemory['suspension'] {
  const { allowance, memory } = seen;
  if (synchronousSituation(facts) !== null) return null;
  const known = memory.suspension?.node === node.name ? memory.suspension : null;
  // From where on it let commits go, nobody can say.
  if (allowance === 'unreadable') return known ?? { node: node.name, lsn: '0/0', since: seen.now.toISOString() };
  if (allowance?.primary === node.name) return { node: node.name, lsn: allowance.lsn, since: allowance.since };
  return known;
}

/**
 * PostgreSQL commits on restart whatever waited for a standby, and an allowance lets commits return without one. Until
 * as many standbys as the rule asks for have that WAL (the first position seen afterwards covers it), those commits
 * exist on one node only.
 */
function durabilityRisk(seen: Survey, { node, facts }: Answered): CheckerMemory['durabilityRisk'] {
  const { memory, cluster, now } = seen;
  const known = memory.durabilityRisk?.node === node.name ? memory.durabilityRisk : null;
  const restarted = memory.primary?.node === node.name && memory.primary.startedAt !== facts.startedAt;
  const waited = memory.waiting?.node === node.name;
  const suspended = memory.suspension?.node === node.name ? memory.suspension : null;
  const ended = suspended !== null && synchronousSituation(facts) !== null;
  const lsn = facts.lsn;
  const risk =
    lsn === null
      ? known
      : ended
        ? { node: node.name, lsn, since: suspended.since, cause: 'suspension' as const }
        : restarted && waited
          ? { node: node.name, lsn, since: now.toISOString(), cause: 'restart' as const }
          : known;
  return risk === null || isOnStandbys(cluster, facts, risk.lsn) ? null : risk;
}

/** Whether as many standbys as the rule asks for have the primary's WAL up to a position on disk. */
function isOnStandbys(cluster: Cluster, { replication }: NodeFacts, lsn: string): boolean {
  const position = lsnPosition(lsn);
  const holders = replication.filter(
    ({ state, flushLsn }) => state === 'streaming' && flushLsn !== null && lsnPosition(flushLsn) >= position,
  );
  return holders.length >= cluster.replication.count;
}

/** What the unread parts may have told of is before the position at which the primary was seen first since. */
function unread({ memory, cluster }: Survey, { node, facts }: Answered): CheckerMemory['unread'] {
  if (memory.unread === null) return null;
  const { parts, lsn } = memory.unread.node === node.name ? memory.unread : { ...memory.unread, lsn: null };
  // While commits return without a standby there are more of them with every moment.
  const until = synchronousSituation(facts) === null ? null : (lsn ?? facts.lsn);
  return until !== null && isOnStandbys(cluster, facts, until) ? null : { parts, node: node.name, lsn: until };
}
