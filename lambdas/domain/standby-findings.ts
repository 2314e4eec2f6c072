/** Each standby as the primary and the standby itself see it. Only where a primary answers can a standby be judged. */
import type { ClusterNode } from '../contract/cluster-config.ts';
import type { Finding } from '../contract/health.ts';
import type { NodeFacts, ReplicationRow } from '../contract/observation.ts';
import { slotName } from '../contract/slot-name.ts';
import { finding } from './finding-policy.ts';
import { lsnPosition } from './lsn.ts';
import { bytes, duration } from './quantities.ts';
import {
  type Answered,
  follows,
  notObserved,
  type Silent,
  type Survey,
  sameName,
  spoke,
  walsenderOf,
} from './survey.ts';

/** All that is known of one standby. */
interface Standby {
  readonly node: ClusterNode;
  /** Its walsender on the primary. */
  readonly row: ReplicationRow | undefined;
  readonly answered: Answered | undefined;
  readonly silent: Silent | undefined;
}

export function standbyFindings(seen: Survey): Finding[] {
  const { primary } = seen;
  if (primary === null) return withoutPrimary(seen);
  return seen.cluster.nodes.flatMap((node) => {
    const answered = seen.answered.find((candidate) => candidate.node === node);
    // Another node that accepts writes is no standby; that is a finding of its own.
    if (node === primary.node || answered?.facts.inRecovery === false) return [];
    const silent = seen.silent.find((candidate) => candidate.node === node);
    const standby: Standby = { node, row: walsenderOf(primary.facts, node.name), answered, silent };
    if (answered !== undefined && answered.facts.systemIdentifier !== primary.facts.systemIdentifier) {
      return [foreignData(standby, primary)];
    }
    return [
      ...(standby.row?.state === 'streaming'
        ? [...(silent === undefined ? [] : [unobservable(silent)]), ...lagging(seen, standby)]
        : [notStreaming(seen, primary, standby), ...needsRebuild(primary, standby)]),
      ...(answered === undefined ? [] : replayPaused(node, answered.facts)),
      ...duplicateName(primary, standby),
    ];
  });
}

/** Without a primary nothing says whether a standby replicates; that it does not answer is worth knowing. */
function withoutPrimary({ silent, answered, presumedPrimary }: Survey): Finding[] {
  // When the primary may be any of the silent nodes, none of them is known to be a standby.
  const standbys = presumedPrimary === null ? [] : silent.filter(({ node }) => node !== presumedPrimary);
  return [
    ...standbys.map((each) => (spoke(each) ? unobservable(each) : down(each, null))),
    ...answered.flatMap(({ node, facts }) => replayPaused(node, facts)),
  ];
}

/** A node on which PostgreSQL is not there, or not in reach; `onPrimary` is what the primary has of it. */
function down({ node, failure }: Silent, onPrimary: string | null): Finding {
  const said = `${failure.kind}: ${failure.message}`;
  const witness = onPrimary === null ? '' : `, and ${onPrimary}`;
  if (failure.kind === 'refused') {
    return finding('StandbyDown', node.name, {
      title: `${node.name} is down`,
      message: `PostgreSQL does not run on ${node.name} (${said})${witness}.`,
    });
  }
  // Two who do not reach it, from two places, are enough.
  const certain = onPrimary !== null;
  return finding(
    'StandbyUnreachable',
    node.name,
    {
      title: `${node.name} does not answer`,
      message: `${node.name} does not answer (${said})${witness}.`,
    },
    { certain },
  );
}

/** The primary has removed WAL that the standby still needs. */
function needsRebuild(primary: Answered, standby: Standby): Finding[] {
  const { node } = standby;
  const why = lostSlot(primary, standby) ?? removedWal(primary, standby);
  if (why === null) return [];
  return [
    finding('StandbyNeedsRebuild', node.name, {
      title: `${node.name} needs a rebuild`,
      message: `The primary has removed WAL that ${node.name} still needs (${why}): it cannot catch up any more.`,
    }),
  ];
}

function lostSlot({ facts }: Answered, { node }: Standby): string | null {
  const slot = facts.slots.find(({ name }) => name === slotName(node.name));
  return slot?.walStatus === 'lost' ? `its slot ${slot.name} is lost` : null;
}

/** Whatever the slot says: nobody sends the standby anything, and what comes next for it is not there any more. */
function removedWal({ facts }: Answered, { row, answered }: Standby): string | null {
  const [oldest, received] = [facts.oldestWalLsn, answered?.facts.lsn ?? null];
  if (row !== undefined || answered?.facts.walReceiver?.status === 'streaming') return null;
  if (oldest === null || received === null || lsnPosition(received) >= lsnPosition(oldest)) return null;
  return `it has received WAL up to ${received}, and the primary's begins at ${oldest}`;
}

function notStreaming(seen: Survey, primary: Answered, { node, row, answered, silent }: Standby): Finding {
  const onPrimary =
    row === undefined ? 'the primary has no walsender for it' : `its walsender is in state ${row.state}`;
  if (silent !== undefined && spoke(silent)) {
    const { kind, message } = silent.failure;
    return finding('StandbyNotStreaming', node.name, {
      title: `${node.name} does not replicate: ${kind}`,
      message: `PostgreSQL on ${node.name} runs (${kind}: ${message}), but ${onPrimary}.`,
    });
  }
  if (answered === undefined) return down(silent ?? { node, failure: notObserved }, onPrimary);
  const { timeline } = answered.facts;
  if (row === undefined && timeline !== primary.facts.timeline) {
    return finding('StandbyOnAnotherTimeline', node.name, {
      title: `${node.name} is on timeline ${timeline}`,
      message: `${node.name} is on timeline ${timeline} and does not stream from ${primary.node.name}, which is on timeline ${primary.facts.timeline}.`,
    });
  }
  return finding('StandbyNotStreaming', node.name, {
    title: row?.state === 'catchup' ? `${node.name} is catching up` : `${node.name} does not stream`,
    message: `${node.name} runs, but ${onPrimary}; ${ownView(seen, primary, answered)}.`,
  });
}

/** What a standby says of itself. */
function ownView({ cluster }: Survey, primary: Answered, standby: Answered): string {
  const { walReceiver } = standby.facts;
  if (walReceiver === null) return 'it has no WAL receiver';
  const elsewhere = walReceiver.senderHost !== null && !follows(standby, cluster, primary.node);
  return `its WAL receiver is ${walReceiver.status}${elsewhere ? `, connected to ${walReceiver.senderHost}, which is not the primary` : ''}`;
}

/** Whether a node's own settings are right nobody can see. */
function unobservable({ node, failure }: Silent): Finding {
  return finding('NodeUnobservable', node.name, {
    title: `${node.name} cannot be observed: ${failure.kind}`,
    message: `The observer cannot ask ${node.name} (${failure.kind}: ${failure.message}).`,
  });
}

/**
 * Behind in bytes *and* in time: a burst of WAL is many bytes for a moment, and an idle cluster has an old last commit.
 * Lags that PostgreSQL does not know (NULL when idle) are no lags.
 */
export function isLagging(cluster: Survey['cluster'], row: ReplicationRow, wasLagging: boolean): boolean {
  const { lagWarningBytes, lagWarningSeconds } = cluster.monitoring;
  const share = wasLagging ? 0.5 : 1;
  const behindBytes = Math.max(row.flushLagBytes ?? 0, row.replayLagBytes ?? 0);
  return behindBytes > lagWarningBytes * share && lagSeconds(row) > lagWarningSeconds * share;
}

/** The largest time lag that PostgreSQL knows. */
export function lagSeconds(row: ReplicationRow): number {
  return Math.max(row.writeLagSeconds ?? 0, row.flushLagSeconds ?? 0, row.replayLagSeconds ?? 0);
}

function lagging({ cluster, memory }: Survey, { node, row }: Standby): Finding[] {
  if (row === undefined || !isLagging(cluster, row, memory.lagging.includes(node.name))) return [];
  const flush = row.flushLagBytes ?? 0;
  const replay = row.replayLagBytes ?? 0;
  const what =
    flush >= replay
      ? `has yet to store ${bytes(flush)}`
      : `has stored all but ${bytes(flush)} and has yet to replay ${bytes(replay)}`;
  return [
    finding('StandbyLagging', node.name, {
      title: `${node.name} lags ${duration(lagSeconds(row))}`,
      message: `${node.name} ${what} of WAL, and is ${duration(lagSeconds(row))} behind.`,
    }),
  ];
}

function replayPaused(node: ClusterNode, facts: NodeFacts): Finding[] {
  if (!facts.replayPaused) return [];
  return [
    finding('ReplayPaused', node.name, {
      title: `replay is paused on ${node.name}`,
      message: `${node.name} receives WAL and does not replay it: somebody has called pg_wal_replay_pause().`,
    }),
  ];
}

/** Two receivers under one name: PostgreSQL counts both as the same synchronous standby. */
function duplicateName({ facts }: Answered, { node }: Standby): Finding[] {
  const rows = facts.replication.filter(
    ({ applicationName, state }) => sameName(applicationName, node.name) && state !== 'backup',
  );
  if (rows.length < 2) return [];
  const from = rows.map(({ clientAddress }) => clientAddress ?? 'a local socket').join(', ');
  return [
    finding('DuplicateApplicationName', node.name, {
      title: `${rows.length} standbys are called ${node.name}`,
      message: `${rows.length} receivers are connected as ${node.name} (from ${from}); each counts as a synchronous standby.`,
    }),
  ];
}

function foreignData({ node, answered }: Standby, primary: Answered): Finding {
  return finding('ForeignData', node.name, {
    title: `${node.name} holds another cluster`,
    message: `The system identifier of ${node.name} is ${answered?.facts.systemIdentifier}, that of the primary ${primary.node.name} is ${primary.facts.systemIdentifier}: it is no copy of it.`,
  });
}
