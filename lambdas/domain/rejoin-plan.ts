/** Decides how a node rejoins: with the least that repairs what was seen, or not at all. */
import type { Cluster } from '../contract/cluster-config.ts';
import { type ErrorName, OperatorError } from '../contract/errors.ts';
import type { NodeInspection } from '../contract/node-inspection.ts';
import type { PlanRejoinInput, RejoinMethod, RejoinPlan } from '../contract/rejoin.ts';
import { lsnPosition } from './lsn.ts';
import { bytes } from './quantities.ts';

/** A method with what was seen that calls for it. */
interface Choice {
  readonly method: RejoinMethod;
  readonly reasons: readonly string[];
}

/** Everything that the decision is made from. */
interface Situation {
  readonly cluster: Cluster;
  readonly node: string;
  readonly primary: string;
  readonly followers: number;
  readonly acceptsWrites: boolean;
  readonly seen: NodeInspection;
}

/**
 * The plan of a rejoin.
 *
 * @throws OperatorError when only a person can decide: ForeignData, DataUnidentified, DataDirectoryNotEmpty,
 *   WrongPostgresVersion, PortInUse, TwoPrimaries, NodeAheadOfPrimary
 */
export function planRejoin(cluster: Cluster, input: PlanRejoinInput): RejoinPlan {
  const { found, inspection: seen } = input;
  const acceptsWrites = found.acceptsWrites || seen.server?.inRecovery === false;
  const situation: Situation = {
    cluster,
    node: input.node,
    primary: found.primary,
    followers: found.followers,
    acceptsWrites,
    seen,
  };
  refuseWhatIsNotOurs(situation);
  refuseWhatMayBeRight(situation);
  const { method, reasons } = chooseMethod(situation);
  const { slot } = seen.primary;
  const plan = {
    node: input.node,
    primary: found.primary,
    method,
    reasons: [...reasons],
    fence: acceptsWrites,
    repairSlot: slot === null || slot.lost,
    keepWal: method !== 'none' && seen.control !== null && (acceptsWrites || seen.diverged !== null),
    keepFormerData:
      seen.control === null && seen.dataDirectory.state === 'postgres' && !seen.dataDirectory.standbySignal,
    discardFormerData: seen.formerData,
    rebuild: rebuildVerdict(situation, input.allowRebuild),
    primaryBytes: seen.primary.dataBytes,
  };
  return { ...plan, summary: summaryOf(plan) };
}

const actions: Readonly<Record<RejoinMethod, (primary: string) => string>> = {
  none: (primary) => `nothing to do, it streams from ${primary}`,
  start: (primary) => `start it as a standby of ${primary}`,
  follow: (primary) => `make it follow ${primary}, without copying`,
  rewind: (primary) => `rewind it to where its history and that of ${primary} part, then have it follow`,
  rebuild: (primary) => `copy ${primary} anew, and keep its old data until it streams`,
};

function summaryOf(plan: Omit<RejoinPlan, 'summary'>): string[] {
  const { node, primary, method, rebuild: verdict } = plan;
  return [
    `Plan for ${node}: ${actions[method](primary)}.`,
    ...plan.reasons,
    ...(plan.fence ? [`First PostgreSQL on ${node} is stopped: it accepts writes.`] : []),
    ...(plan.keepWal ? [`What only ${node} has is kept beside its data before anything changes.`] : []),
    ...(plan.keepFormerData ? [`Its old data stays on its host: nobody can tell whether ${primary} has it all.`] : []),
    ...(plan.discardFormerData ? [`Old data that an earlier rebuild of ${node} has left is discarded.`] : []),
    ...(method === 'none'
      ? []
      : {
          allowed: [`A rebuild, should nothing less help, copies about ${bytes(plan.primaryBytes)}.`],
          ask: [
            `A rebuild, should nothing less help, copies about ${bytes(plan.primaryBytes)} and waits for approval.`,
          ],
          impossible: verdict.verdict === 'impossible' ? [`A rebuild is not possible: ${verdict.cause}`] : [],
        }[verdict.verdict]),
  ];
}

/** A directory that is not certain to hold this cluster's data is never touched. */
function refuseWhatIsNotOurs({ cluster, node, primary, seen }: Situation): void {
  const { dataDirectory, control, controlFailure, portTakenBy, server } = seen;
  const where = dataDirectoryOf(cluster, node);
  if (dataDirectory.state === 'other') {
    throw refusal(
      'DataDirectoryNotEmpty',
      `${where} on ${node} is not empty and not PostgreSQL’s; it holds ${dataDirectory.sample.join(', ')}.`,
      `If nobody needs it, move it away and start rejoin again: it builds ${node} anew.`,
    );
  }
  if (portTakenBy !== null && server === null) {
    throw refusal(
      'PortInUse',
      `${portTakenBy} listens on the port of PostgreSQL on ${node}.`,
      'Stop it, or give the node another port; then start rejoin again.',
    );
  }
  if (dataDirectory.state !== 'postgres') return;
  const ours = seen.primary.systemIdentifier;
  const identifier = control?.systemIdentifier ?? dataDirectory.systemIdentifier;
  const remedy = `Find out whose data it is; clusters.json may name the wrong host or directory. If nobody needs it, move ${where} away and start rejoin again: it builds ${node} anew.`;
  if (identifier === null) {
    throw refusal(
      'DataUnidentified',
      `Nothing in ${where} on ${node} says which cluster it belongs to: ${controlFailure ?? 'its control file is damaged'}, and it has no WAL.`,
      remedy,
    );
  }
  if (identifier !== ours) {
    throw refusal(
      'ForeignData',
      `${where} on ${node} belongs to another cluster: its system identifier is ${identifier}, that of ${primary} is ${ours}.`,
      remedy,
    );
  }
  const { majorVersion } = cluster.postgres;
  if (dataDirectory.majorVersion !== `${majorVersion}`) {
    throw refusal(
      'WrongPostgresVersion',
      `${where} on ${node} is of version ${dataDirectory.majorVersion}; clusters.json says ${majorVersion}.`,
      `Correct clusters.json, or move ${where} away and start rejoin again: it builds ${node} anew.`,
    );
  }
}

/** Data that may be the truth itself is not changed on the word of a primary that may be a former one. */
function refuseWhatMayBeRight({ node, primary, followers, seen }: Situation): void {
  const { server, primary: its } = seen;
  if (server?.inRecovery === false && server.followers > 0) {
    throw refusal(
      'TwoPrimaries',
      `${node} and ${primary} both accept writes, and standbys stream from ${node}.`,
      'Decide which one holds the truth and stop PostgreSQL on the other; keep its data directory. Then rejoin that one.',
    );
  }
  const timeline = timelineOf(seen);
  if (timeline !== null && timeline > its.timeline && followers === 0) {
    throw refusal(
      'NodeAheadOfPrimary',
      `${node} is on timeline ${timeline}, a later one than ${primary} (${its.timeline}), from which no other node streams: ${primary} may be a former primary.`,
      `Decide which one holds the truth. If it is ${primary}, move the data directory of ${node} away and start rejoin again: it builds ${node} anew.`,
    );
  }
}

function chooseMethod(situation: Situation): Choice {
  const { acceptsWrites, seen, node, primary } = situation;
  const { dataDirectory, control, controlFailure, damaged, diverged } = seen;
  if (dataDirectory.state !== 'postgres') {
    return rebuild(`The data directory of ${node} is ${dataDirectory.state}.`);
  }
  if (damaged !== null) return rebuild(`The data of ${node} is damaged: ${damaged}.`);
  if (control === null && seen.server === null) {
    return rebuild(`The control file of ${node} cannot be used: ${controlFailure ?? 'unreadable'}.`);
  }
  if (acceptsWrites) {
    return rewindIfPossible(situation, `${node} is a former primary that accepts writes beside ${primary}.`);
  }
  if (diverged !== null) return rewindIfPossible(situation, `${diverged}.`);
  if (lacksWal(situation)) {
    return rebuild(`${primary} has removed WAL that ${node} still needs.`);
  }
  return seen.server === null ? stopped(situation) : running(situation);
}

function stopped({ node, primary, seen }: Situation): Choice {
  const { dataDirectory, follows, control } = seen;
  const down = `PostgreSQL does not run on ${node} (${control?.state ?? 'state unknown'}).`;
  if (!dataDirectory.standbySignal) {
    return {
      method: 'follow',
      reasons: [down, 'It has no standby.signal and would start as a primary.', nothingLacks(primary)],
    };
  }
  if (!follows)
    return { method: 'follow', reasons: [down, `It is not set to follow ${primary} under its own name and slot.`] };
  return { method: 'start', reasons: [down, `It is a standby of ${primary}, set as it should be.`] };
}

function running({ node, primary, seen }: Situation): Choice {
  const { server, follows, dataDirectory, primary: its } = seen;
  const streams = server?.receiver === 'streaming' && its.slot?.active === true;
  const wrong = [
    ...(server?.failure == null ? [] : [`PostgreSQL on ${node} cannot be asked: ${server.failure}.`]),
    ...(dataDirectory.standbySignal ? [] : [`${node} has no standby.signal: the next start would make it a primary.`]),
    ...(follows || server?.failure != null
      ? []
      : [`${node} is not set to follow ${primary} under its own name and slot.`]),
    ...(its.slot === null ? [`The replication slot of ${node} is missing on ${primary}.`] : []),
    ...(its.slot?.lost === true ? [`The replication slot of ${node} on ${primary} has lost WAL.`] : []),
    ...(streams || server?.failure != null ? [] : [`${node} runs and does not stream from ${primary}.`]),
  ];
  if (wrong.length > 0) return { method: 'follow', reasons: wrong };
  const streaming = `${node} streams from ${primary} under its own name.`;
  const notForGood = [
    ...(seen.fenced ? [`It is still marked as fenced.`] : []),
    ...(seen.enabled ? [] : [`PostgreSQL does not start there when the host boots.`]),
  ];
  return { method: notForGood.length > 0 ? 'start' : 'none', reasons: [streaming, ...notForGood] };
}

const rebuild = (...reasons: string[]): Choice => ({ method: 'rebuild', reasons });

/** pg_rewind goes back along timelines; on the primary's own timeline it finds nothing to do. */
function rewindIfPossible({ node, primary, seen }: Situation, reason: string): Choice {
  if (seen.control?.hintsLogged === false) {
    return rebuild(reason, `pg_rewind cannot take it back: ${node} has neither wal_log_hints nor data checksums.`);
  }
  if (timelineOf(seen) === seen.primary.timeline) {
    return rebuild(reason, `pg_rewind cannot take it back: the timeline has the same number as that of ${primary}.`);
  }
  return { method: 'rewind', reasons: [reason] };
}

/** The node has too little WAL of its own to go on with what the primary still has. */
function lacksWal({ seen }: Situation): boolean {
  const { primary, control, server, dataDirectory } = seen;
  if (server?.receiver === 'streaming' || dataDirectory.hasOldestSegment) return false;
  const positions = [server?.lsn, control?.checkpoint, control?.recoveryEnd].filter((lsn) => typeof lsn === 'string');
  const furthest = positions.map(lsnPosition).reduce((a, b) => (a > b ? a : b), 0n);
  return furthest < segmentStart(primary.oldestSegment, primary.segmentBytes);
}

/** Where a segment begins; its name's two halves count within, and in, units of 4 GB. */
function segmentStart(name: string, segmentBytes: number): bigint {
  return (BigInt(`0x${name.slice(0, 8)}`) << 32n) + BigInt(`0x${name.slice(8)}`) * BigInt(segmentBytes);
}

/** The latest timeline that the node is known to have WAL of. */
function timelineOf({ server, control }: NodeInspection): number | null {
  const known = [server?.timeline, control?.timeline].filter((timeline) => typeof timeline === 'number');
  return known.length === 0 ? null : Math.max(...known);
}

function rebuildVerdict({ cluster, node, seen }: Situation, allowRebuild: boolean): RejoinPlan['rebuild'] {
  const where = dataDirectoryOf(cluster, node);
  if (seen.dataDirectory.isMountPoint) {
    return impossible(
      'DataDirectoryIsMountPoint',
      `A rebuild puts a new directory in the place of ${where} on ${node}, which is a mount point.`,
      'Configure a directory inside the file system, or build the node by hand.',
    );
  }
  if (seen.dataDirectory.linkTo !== null) {
    return impossible(
      'DataDirectoryIsLink',
      `A rebuild puts a new directory in the place of ${where} on ${node}, which is a symbolic link to ${seen.dataDirectory.linkTo}.`,
      `Set dataDirectory of ${node} in clusters.json to that path, deploy, and start rejoin again.`,
    );
  }
  if (seen.occupiedTablespaces.length > 0) {
    const directories = seen.occupiedTablespaces.join(', ');
    const all = seen.dataDirectory.state === 'absent' ? directories : `${directories} and ${where}`;
    return impossible(
      'TablespaceNotEmpty',
      `A base backup puts the tablespaces of the primary where they are there, into empty directories; on ${node} there is something in ${directories}.`,
      `Stop PostgreSQL on ${node}, move ${all} away, leave empty directories of ${cluster.postgres.osUser} in the place of the tablespaces, and start rejoin again: it builds ${node} anew.`,
    );
  }
  const needed = seen.primary.dataBytes + cluster.policy.minimumFreeMiB * 1024 * 1024;
  if (seen.freeBytes < needed) {
    return impossible(
      'DiskTooSmall',
      `A rebuild keeps the old data of ${node} until it streams, so it needs ${bytes(needed)} beside it; ${bytes(seen.freeBytes)} are free.`,
      `Free space there. If nobody needs the old data, move ${where} to another disk and start rejoin again.`,
    );
  }
  return { verdict: cluster.policy.rebuild === 'automatic' || allowRebuild ? 'allowed' : 'ask' };
}

const impossible = (error: ErrorName, what: string, remedy: string): RejoinPlan['rebuild'] => ({
  verdict: 'impossible',
  error,
  cause: `${what}\n${remedy}`,
});

function refusal(name: ErrorName, what: string, remedy: string): OperatorError {
  return new OperatorError(name, what, `Nothing was changed. ${remedy}`);
}

const nothingLacks = (primary: string) => `It has no WAL that ${primary} lacks.`;

function dataDirectoryOf(cluster: Cluster, name: string): string {
  return cluster.nodes.find((node) => node.name === name)?.dataDirectory ?? cluster.postgres.dataDirectory;
}
