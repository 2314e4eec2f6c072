/** Replication as the dashboard shows it: `pg_stat_replication` with its lags in words. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { NodeFacts, ReplicationRow } from '../contract/observation.ts';
import { plain } from './plain-text.ts';
import { bytes, duration } from './quantities.ts';
import { inOrder } from './replication.ts';

const longestCell = 80;

/** How far a standby is behind: what it has not flushed counts for durability, what it has not replayed for reads. */
export function lagWords({ flushLagBytes, replayLagBytes, ...row }: ReplicationRow): string {
  if (flushLagBytes === null) return 'position unknown';
  const parts = [
    ...(flushLagBytes > 0 ? [`${bytes(flushLagBytes)} behind`] : []),
    ...(replayLagBytes !== null && replayLagBytes > flushLagBytes ? [`replay ${bytes(replayLagBytes)} behind`] : []),
  ];
  if (parts.length === 0) return 'nothing behind';
  const seconds = Math.max(row.writeLagSeconds ?? 0, row.flushLagSeconds ?? 0, row.replayLagSeconds ?? 0);
  return `${parts.join(', ')}${seconds >= 1 ? ` (${duration(seconds)})` : ''}`;
}

/** A lag of the view: bytes first, for a time also passes when nothing is written. */
function lagCell(behind: number | null, seconds: number | null): string {
  if (behind === null) return 'unknown';
  return seconds !== null && seconds >= 1 ? `${bytes(behind)}, ${duration(seconds)}` : bytes(behind);
}

function replyAge(seconds: number | null): string {
  if (seconds === null) return 'none yet';
  return seconds < 1 ? 'now' : `${duration(seconds)} ago`;
}

export interface ReplicationTableView {
  readonly primary: string;
  /** `synchronous_standby_names`, as PostgreSQL has it. */
  readonly rule: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The primary's `pg_stat_replication`: the columns under their names there, lags in words. */
export function replicationTableView(cluster: Cluster, primary: string, facts: NodeFacts): ReplicationTableView {
  return {
    primary,
    rule: plain(facts.synchronousStandbyNames, 500) || 'empty: commits wait for no standby',
    columns: ['application_name', 'client_addr', 'state', 'sync_state', 'priority', 'flush lag', 'replay lag', 'reply'],
    rows: inOrder(cluster, facts.replication).map((row) =>
      [
        row.applicationName,
        row.clientAddress ?? 'local',
        row.state,
        row.syncState,
        row.syncPriority === 0 ? 'none' : `${row.syncPriority}`,
        lagCell(row.flushLagBytes, row.flushLagSeconds),
        lagCell(row.replayLagBytes, row.replayLagSeconds),
        replyAge(row.replyAgeSeconds),
      ].map((cell) => plain(cell, longestCell)),
    ),
  };
}
