/** Observations for tests: a world of nodes in words, and what the observer would see of it. */
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import type {
  NodeFacts,
  NodeObservation,
  Observation,
  ObservationFailureKind,
  ReplicationRow,
  SettingFact,
} from '../../lambdas/contract/observation.ts';
import { managedSettings } from '../../lambdas/contract/postgres-settings.ts';
import { slotName } from '../../lambdas/contract/slot-name.ts';
import { expectedRule } from '../../lambdas/domain/expected-rule.ts';
import { renderSynchronousStandbyNames } from '../../lambdas/domain/synchronous-standby-names.ts';

export function row(
  name: string,
  address: string,
  syncState: string,
  overrides: Partial<ReplicationRow> = {},
): ReplicationRow {
  return {
    user: 'replica',
    applicationName: name,
    clientAddress: address,
    state: 'streaming',
    syncState,
    syncPriority: 1,
    sentLsn: '0/5000000',
    flushLsn: '0/5000000',
    replayLsn: '0/5000000',
    flushLagBytes: 0,
    replayLagBytes: 0,
    // An idle cluster has no lags.
    writeLagSeconds: null,
    flushLagSeconds: null,
    replayLagSeconds: null,
    replyAgeSeconds: 0.5,
    ...overrides,
  };
}

export function receiver(overrides: Partial<NonNullable<NodeFacts['walReceiver']>> = {}) {
  return { status: 'streaming', senderHost: null, senderPort: null, messageAgeSeconds: 0.5, ...overrides };
}

export function facts(overrides: Partial<NodeFacts> = {}): NodeFacts {
  return {
    versionNumber: 120022,
    inRecovery: false,
    timeline: 1,
    systemIdentifier: '7434343434343434343',
    startedAt: '2020-01-06T07:00:00.123456',
    lsn: '0/5000000',
    oldestWalLsn: '0/1000000',
    replayedLsn: null,
    replayPaused: false,
    synchronousStandbyNames: '',
    synchronousCommit: 'on',
    settings: [],
    replication: [],
    walReceiver: null,
    slots: [],
    blockedSessions: { count: 0, oldestSeconds: 0, transactions: [] },
    ...overrides,
  };
}

/** How `pg_settings` shows a value that is configured with a unit. */
const units: Readonly<Record<string, { unit: string; factor: number }>> = {
  wal_sender_timeout: { unit: 'ms', factor: 1000 },
  wal_receiver_timeout: { unit: 'ms', factor: 1000 },
  wal_retrieve_retry_interval: { unit: 'ms', factor: 1000 },
  wal_receiver_status_interval: { unit: 's', factor: 1 },
  wal_keep_size: { unit: 'MB', factor: 1 },
  max_slot_wal_keep_size: { unit: 'MB', factor: 1 },
};

/** The managed settings as a node that setup has configured reports them. */
export function managed(cluster: Cluster, changes: Readonly<Record<string, Partial<SettingFact>>> = {}): SettingFact[] {
  return managedSettings(cluster).map(({ name, value }) => {
    const known = units[name];
    return {
      name,
      setting: known === undefined ? value : `${Number.parseInt(value, 10) * known.factor}`,
      unit: known?.unit ?? null,
      sourceFile: '/data/postgresql.auto.conf',
      sourceLine: 3,
      pendingRestart: false,
      ...changes[name],
    };
  });
}

/** One node of a world: what it is, whether the observer reaches it, and what is unusual about it. */
export interface NodeInWorld {
  readonly role: 'primary' | 'standby';
  /** How it meets the observer. */
  readonly seen: 'answers' | ObservationFailureKind;
  /** A standby: whether it receives WAL from the primary. */
  readonly streams: boolean;
  readonly facts: Partial<NodeFacts>;
  /** Its row on the primary. */
  readonly row: Partial<ReplicationRow>;
}

export type World = Readonly<Record<string, NodeInWorld>>;

/** A healthy cluster with its first node as the primary, then with `changes` to some nodes. */
export function world(cluster: Cluster, changes: Readonly<Record<string, Partial<NodeInWorld>>> = {}): World {
  return Object.fromEntries(
    cluster.nodes.map(({ name }, index) => [
      name,
      {
        role: index === 0 ? 'primary' : 'standby',
        seen: 'answers',
        streams: index !== 0,
        facts: {},
        row: {},
        ...changes[name],
      } satisfies NodeInWorld,
    ]),
  );
}

/** What the observer sees of a world in which standbys stream from the first primary whose PostgreSQL runs. */
export function observe(cluster: Cluster, nodes: World): Observation {
  const inWorld = (name: string): NodeInWorld => {
    const node = nodes[name];
    if (node === undefined) throw new RangeError(`there is no ${name}`);
    return node;
  };
  const primary = cluster.nodes.find(({ name }) => inWorld(name).role === 'primary');
  const streaming = cluster.nodes.filter(({ name }) => inWorld(name).role === 'standby' && inWorld(name).streams);
  const rule = expectedRule(cluster, primary?.name ?? '');
  const observation = cluster.nodes.map((node): NodeObservation => {
    const { role, seen, streams, facts: own } = inWorld(node.name);
    if (seen !== 'answers') {
      return { answered: false, node: node.name, failure: { kind: seen, message: `${seen} ${node.address}` } };
    }
    const standby: Partial<NodeFacts> = {
      inRecovery: true,
      replayedLsn: '0/5000000',
      walReceiver: streams && primary ? receiver({ senderHost: primary.address, senderPort: 5432 }) : null,
    };
    const writes: Partial<NodeFacts> = {
      synchronousStandbyNames: renderSynchronousStandbyNames(rule),
      replication:
        node !== primary
          ? []
          : streaming.map(({ name, address }, index) => {
              const state = index < rule.count ? 'sync' : 'potential';
              const syncPriority = rule.names.indexOf(name) + 1;
              return row(name, address, rule.method === 'ANY' ? 'quorum' : state, {
                syncPriority,
                ...inWorld(name).row,
              });
            }),
      slots: cluster.nodes
        .filter(({ name }) => name !== node.name)
        .map(({ name }) => ({
          name: slotName(name),
          active: streaming.some((each) => each.name === name),
          retainedBytes: 0,
          walStatus: cluster.postgres.majorVersion < 13 ? null : 'reserved',
        })),
    };
    return {
      answered: true,
      node: node.name,
      facts: facts({ settings: managed(cluster), ...(role === 'primary' ? writes : standby), ...own }),
    };
  });
  return { nodes: observation };
}
