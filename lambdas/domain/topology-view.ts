/** The cluster as a picture: the primary, the other nodes, and what flows between them. */
import type { ClusterNode } from '../contract/cluster-config.ts';
import type { NodeRole } from '../contract/health.ts';
import type { ObservationFailureKind, ReplicationRow } from '../contract/observation.ts';
import { plain } from './plain-text.ts';
import { lagWords } from './replication-view.ts';
import { type Answered, notObserved, receives, type Silent, type Survey, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';

/** How something is; shown by a symbol and by words, and only then by a colour. */
export type Tone = 'good' | 'warning' | 'critical' | 'unknown';

export interface NodeView {
  readonly name: string;
  readonly address: string;
  readonly role: NodeRole;
  readonly tone: Tone;
  /** A few words: `streaming`, `accepts writes`, `does not answer`. */
  readonly state: string;
  /** `sync`, `potential`, `quorum` or `async`, as PostgreSQL says it; null for what does not stream. */
  readonly syncState: string | null;
  readonly lag: string | null;
  /** Further words, such as PostgreSQL's own about a failure. */
  readonly details: readonly string[];
}

/** Arrow from the primary to another node. */
export interface LinkView {
  readonly kind: 'synchronous' | 'asynchronous' | 'catching-up' | 'none' | 'unknown';
  readonly label: string;
}

export interface TopologyView {
  /** The primary, or the node that should be it; null when none is known. */
  readonly primary: NodeView | null;
  readonly others: readonly { readonly node: NodeView; readonly link: LinkView }[];
}

const longestDetail = 200;

const failureWords: Readonly<Record<ObservationFailureKind, string>> = {
  refused: 'nothing listens on its port',
  timeout: 'does not answer',
  reset: 'breaks connections off',
  unresolved: 'its address does not resolve',
  authentication: 'refuses the monitoring user',
  'starting-up': 'starting up',
  'shutting-down': 'shutting down',
  'too-many-connections': 'has no connection left',
  query: 'answers with an error',
  other: 'could not be asked',
};

/** Failures after which the node itself may be well. */
const undecided: ReadonlySet<ObservationFailureKind> = new Set([
  'unresolved',
  'authentication',
  'too-many-connections',
  'query',
  'other',
]);

const noLink: LinkView = { kind: 'none', label: 'no WAL' };

export function topologyView(seen: Survey): TopologyView {
  const { cluster, primary, presumedPrimary } = seen;
  const centre = primary?.node ?? presumedPrimary;
  return {
    primary: centre === null ? null : primaryView(seen, centre),
    others: cluster.nodes.filter((node) => node !== centre).map((node) => otherView(seen, node)),
  };
}

function identity({ cluster }: Survey, node: ClusterNode): Pick<NodeView, 'name' | 'address'> {
  return { name: node.name, address: `${node.address}:${node.port ?? cluster.postgres.port}` };
}

function primaryView(seen: Survey, node: ClusterNode): NodeView {
  const { primary, primaries } = seen;
  const base = { ...identity(seen, node), role: 'primary' as const, syncState: null, lag: null };
  if (primary?.node === node) {
    const details = [`timeline ${primary.facts.timeline}`];
    if (primaries.length > 1) return { ...base, tone: 'critical', state: 'accepts writes', details };
    const situation = synchronousSituation(primary.facts);
    return situation !== null && situation.candidates.length < situation.rule.count
      ? { ...base, tone: 'critical', state: 'commits wait for a standby', details }
      : { ...base, tone: 'good', state: 'accepts writes', details };
  }
  return { ...base, ...silence(silentNode(seen, node), 'critical') };
}

function silentNode({ silent }: Survey, node: ClusterNode): Silent {
  return silent.find((each) => each.node === node) ?? { node, failure: notObserved };
}

/** What is known of a node that did not answer; `down` is how bad it is if it is down. */
function silence({ failure }: Silent, down: Tone): Pick<NodeView, 'tone' | 'state' | 'details'> {
  return {
    tone: undecided.has(failure.kind) ? 'unknown' : down,
    state: failureWords[failure.kind],
    details: [plain(failure.message, longestDetail)],
  };
}

function otherView(seen: Survey, node: ClusterNode): TopologyView['others'][number] {
  const answered = seen.answered.find((each) => each.node === node);
  const row = seen.primary === null ? undefined : walsenderOf(seen.primary.facts, node.name);
  const base = { ...identity(seen, node), syncState: null, lag: null };
  if (answered !== undefined && !answered.facts.inRecovery) {
    const details = [`timeline ${answered.facts.timeline}`];
    const view = { ...base, role: 'primary' as const, tone: 'critical' as const, state: 'accepts writes too', details };
    return { node: view, link: noLink };
  }
  if (row !== undefined) return { node: sender(seen, node, row, answered), link: linkOf(row) };
  if (answered !== undefined) {
    const { link, ...view } = idle(seen, answered);
    return { node: { ...base, role: 'standby', ...view }, link };
  }
  // Where no primary is known, this may be it.
  const role = seen.primary === null && seen.presumedPrimary === null ? ('unknown' as const) : ('standby' as const);
  return { node: { ...base, role, ...silence(silentNode(seen, node), 'warning') }, link: noLink };
}

function linkOf({ state, syncState }: ReplicationRow): LinkView {
  if (state !== 'streaming')
    return { kind: 'catching-up', label: state === 'catchup' ? 'catching up' : plain(state, 20) };
  const counts = syncState === 'sync' || syncState === 'quorum';
  return { kind: counts ? 'synchronous' : 'asynchronous', label: plain(syncState, 20) };
}

/** A node that the primary sends WAL to. */
function sender(seen: Survey, node: ClusterNode, row: ReplicationRow, answered: Answered | undefined): NodeView {
  const streams = row.state === 'streaming';
  const paused = answered?.facts.replayPaused === true;
  const lagging = seen.memory.lagging.includes(node.name);
  const silent = answered === undefined ? silentNode(seen, node) : null;
  return {
    ...identity(seen, node),
    role: 'standby',
    tone: streams && !paused && !lagging && silent === null ? 'good' : 'warning',
    state: streams ? 'streaming' : row.state === 'catchup' ? 'catching up' : plain(row.state, 20),
    syncState: streams ? plain(row.syncState, 20) : null,
    lag: lagWords(row),
    details: [
      ...(paused ? ['replay is paused'] : []),
      ...(silent === null
        ? []
        : [`${failureWords[silent.failure.kind]}: ${plain(silent.failure.message, longestDetail)}`]),
    ],
  };
}

/** A standby that answers and that the primary, if one answers, does not know. */
function idle(
  { cluster, primary }: Survey,
  answered: Answered,
): Pick<NodeView, 'tone' | 'state' | 'details'> & { link: LinkView } {
  const { walReceiver, timeline, lsn } = answered.facts;
  // Without a primary the standby with the most WAL is the one to look for.
  const position = primary === null && lsn !== null ? `, received up to ${lsn}` : '';
  const details = [`timeline ${timeline}${position}`];
  if (!receives(answered)) {
    const receiver = walReceiver === null ? 'no WAL receiver' : `WAL receiver ${plain(walReceiver.status, 20)}`;
    return { tone: 'warning', state: 'receives nothing', details: [receiver, ...details], link: noLink };
  }
  if (primary === null) {
    return { tone: 'unknown', state: 'receives WAL', details, link: { kind: 'unknown', label: 'receives' } };
  }
  const host = walReceiver?.senderHost ?? 'another server';
  const from = cluster.nodes.find(({ address }) => address === host)?.name ?? host;
  return {
    tone: 'warning',
    state: 'receives from another server',
    details: [`from ${plain(from, 64)}`, ...details],
    link: noLink,
  };
}
