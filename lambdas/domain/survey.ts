/** Puts an observation in order: who answers, who is the primary, who should be it when nobody is. */
import type { AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import type { CheckerMemory } from '../contract/health.ts';
import type { NodeFacts, NodeObservation, Observation, ReplicationRow } from '../contract/observation.ts';

export interface Answered {
  readonly node: ClusterNode;
  readonly facts: NodeFacts;
}

export interface Silent {
  readonly node: ClusterNode;
  readonly failure: Extract<NodeObservation, { answered: false }>['failure'];
}

/** Failure of a node that an observation lacks. */
export const notObserved: Silent['failure'] = { kind: 'other', message: 'it was not observed' };

export interface Survey {
  readonly cluster: Cluster;
  readonly memory: CheckerMemory;
  readonly now: Date;
  /** The allowance to commit without standbys that is on record. */
  readonly allowance: AllowanceOnRecord;
  readonly answered: readonly Answered[];
  readonly silent: readonly Silent[];
  /** Nodes that accept writes; more than one is a split brain. */
  readonly primaries: readonly Answered[];
  /** The primary that answered; of several, the one that most speaks for. */
  readonly primary: Answered | null;
  /** The node that should be the primary when none answered as one: known from before, or by its standbys. */
  readonly presumedPrimary: ClusterNode | null;
}

/** Names as PostgreSQL compares them. */
export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** Says that PostgreSQL itself spoke: whatever it said, its server process is there. */
const spokenKinds = new Set(['authentication', 'starting-up', 'shutting-down', 'too-many-connections', 'query']);
export const spoke = ({ failure }: Silent): boolean => spokenKinds.has(failure.kind);

/** A standby's walsender on the primary: the one that streams, if there are several of its name. */
export function walsenderOf(primary: NodeFacts, node: string): ReplicationRow | undefined {
  const rows = primary.replication.filter((row) => sameName(row.applicationName, node));
  return rows.find(({ state }) => state === 'streaming') ?? rows[0];
}

/** Nodes of the cluster that stream from this primary now. */
export function streamingStandbys(cluster: Cluster, primary: NodeFacts): string[] {
  return cluster.nodes.map(({ name }) => name).filter((name) => walsenderOf(primary, name)?.state === 'streaming');
}

/** The value of a setting in its own unit; undefined when the node did not report it as a number. */
function numericSetting(facts: NodeFacts, name: string): number | undefined {
  const value = Number(facts.settings.find((setting) => setting.name === name)?.setting);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * Whether a standby receives from a primary *now*. A receiver asks for a sign of life after half of
 * `wal_receiver_timeout`; if the last message is older than that, the status alone proves nothing.
 */
export function receives({ facts }: Answered): boolean {
  const { walReceiver } = facts;
  if (walReceiver?.status !== 'streaming') return false;
  const timeout = (numericSetting(facts, 'wal_receiver_timeout') ?? 60_000) / 1000;
  // 0 switches the receiver's own questions off.
  const fresh = timeout > 0 ? timeout / 2 + 1 : Number.POSITIVE_INFINITY;
  return (walReceiver.messageAgeSeconds ?? 0) <= fresh;
}

/** Whether a standby's receiver is connected to this node. */
export function follows({ facts }: Answered, cluster: Cluster, node: ClusterNode): boolean {
  const { walReceiver } = facts;
  return (
    walReceiver?.senderHost === node.address &&
    (walReceiver.senderPort === null || walReceiver.senderPort === (node.port ?? cluster.postgres.port))
  );
}

/** The most plausible of several primaries: with the most standbys, then the one known from before, then in order. */
function choosePrimary(primaries: readonly Answered[], memory: CheckerMemory): Answered | null {
  const known = (candidate: Answered) => (candidate.node.name === memory.primary?.node ? 1 : 0);
  const [best] = primaries.toSorted(
    (a, b) => b.facts.replication.length - a.facts.replication.length || known(b) - known(a),
  );
  return best ?? null;
}

function presume(cluster: Cluster, memory: CheckerMemory, answered: readonly Answered[], silent: readonly Silent[]) {
  // Memory may be of the time before a failover; a standby knows from whom it receives.
  const feeding = silent.find(({ node }) =>
    answered.some((standby) => receives(standby) && follows(standby, cluster, node)),
  );
  if (feeding !== undefined) return feeding.node;
  const remembered = silent.find(({ node }) => node.name === memory.primary?.node);
  if (remembered !== undefined) return remembered.node;
  const followed = silent.find(({ node }) => answered.some((standby) => follows(standby, cluster, node)));
  if (followed !== undefined) return followed.node;
  const [only] = silent;
  return silent.length === 1 && only !== undefined ? only.node : null;
}

export function survey(
  cluster: Cluster,
  observation: Observation,
  memory: CheckerMemory,
  now: Date,
  allowance: AllowanceOnRecord = null,
): Survey {
  const answered: Answered[] = [];
  const silent: Silent[] = [];
  for (const node of cluster.nodes) {
    const seen = observation.nodes.find((candidate) => candidate.node === node.name);
    if (seen?.answered === true) answered.push({ node, facts: seen.facts });
    else silent.push({ node, failure: seen?.failure ?? notObserved });
  }
  const primaries = answered.filter(({ facts }) => !facts.inRecovery);
  const primary = choosePrimary(primaries, memory);
  const presumedPrimary = primary === null ? presume(cluster, memory, answered, silent) : null;
  return { cluster, memory, now, allowance, answered, silent, primaries, primary, presumedPrimary };
}
