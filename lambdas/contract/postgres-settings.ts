/**
 * PostgreSQL settings that the setup runbook manages, derived once from the cluster's configuration:
 * what depends on the major version is worked out here and configured nowhere.
 */
import type { Cluster } from './cluster-shape.ts';

/** Size of one WAL segment as initdb makes it, in MB. */
const walSegmentMegabytes = 16;

/**
 * Walsenders needed: two per standby while its base backup runs (`pg_basebackup -Xs` uses two connections),
 * and one to spare for the operator.
 */
export function requiredWalSenders(nodeCount: number): number {
  return 2 * (nodeCount - 1) + 1;
}

/** Limits that must be at least as large on a standby as on its primary: standbys get larger ones first. */
export const standbyLimits: readonly string[] = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
];

/**
 * A setting with the value as it is given to ALTER SYSTEM, and when an existing value may stay:
 * `equal` only if it means the same; `at-least` also if it is a larger number; `one-of` if it is among `accepted`.
 * A database that was there before us keeps its larger limits and its logical WAL level.
 */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly rule: 'equal' | 'at-least' | 'one-of';
  /** Values that may stay; with rule `one-of` only. */
  readonly accepted?: readonly string[];
}

const equal = (name: string, value: string): Setting => ({ name, value, rule: 'equal' });
const atLeast = (name: string, value: number): Setting => ({ name, value: `${value}`, rule: 'at-least' });

/**
 * The settings of every node of the cluster, except those that differ per node (port, listen_addresses,
 * unix_socket_directories) and synchronous_standby_names, which is set only once standbys stream.
 */
export function managedSettings(cluster: Cluster): Setting[] {
  const { postgres, replication, nodes } = cluster;
  const keep = postgres.walKeepSegments;
  const slotKeep = postgres.slotKeepSegments ?? 2 * keep;
  const walRetention: Setting[] =
    postgres.majorVersion >= 13
      ? [
          equal('wal_keep_size', `${keep * walSegmentMegabytes}MB`),
          equal('max_slot_wal_keep_size', `${slotKeep * walSegmentMegabytes}MB`),
        ]
      : [equal('wal_keep_segments', `${keep}`)];
  return [
    { name: 'wal_level', value: 'replica', rule: 'one-of', accepted: ['replica', 'logical'] },
    atLeast('max_wal_senders', postgres.maxWalSenders ?? Math.max(5, requiredWalSenders(nodes.length))),
    atLeast('max_replication_slots', Math.max(10, nodes.length * 2)),
    ...walRetention,
    equal('hot_standby', 'on'),
    // pg_rewind needs hint bits in the WAL (or checksums) to bring a failed primary back.
    equal('wal_log_hints', 'on'),
    equal('full_page_writes', 'on'),
    equal('synchronous_commit', replication.commitLevel),
    // A hung standby must not stall writers for PostgreSQL's default of 60 s.
    equal('wal_sender_timeout', '8s'),
    equal('wal_receiver_timeout', '8s'),
    equal('wal_receiver_status_interval', '1s'),
    equal('wal_retrieve_retry_interval', '1s'),
    equal('password_encryption', replication.authentication),
    equal('ssl', replication.tls ? 'on' : 'off'),
  ];
}
