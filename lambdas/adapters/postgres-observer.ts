/** Asks one PostgreSQL node for its facts: one connection, one round trip, bounded in time. */
import pg from 'pg';
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { type NodeObservation, nodeFactsSchema, type ObservationFailureKind } from '../contract/observation.ts';

const connectMilliseconds = 3000;
const statementMilliseconds = 3000;

/**
 * All facts as one JSON value. Works on 12 to 18, on primaries and standbys; the CASEs keep functions that are
 * not allowed in the other role from being called.
 */
const factsQuery = `
with position as (
  select pg_is_in_recovery() as in_recovery,
         case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              else pg_current_wal_lsn() end as lsn
)
select json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'inRecovery', in_recovery,
  'timeline', (select timeline_id from pg_control_checkpoint()),
  'systemIdentifier', (select system_identifier::text from pg_control_system()),
  'lsn', lsn::text,
  'synchronousStandbyNames', current_setting('synchronous_standby_names'),
  'synchronousCommit', (select reset_val from pg_settings where name = 'synchronous_commit'),
  'replication', (select coalesce(json_agg(json_build_object(
      'user', coalesce(usename, ''), 'applicationName', coalesce(application_name, ''),
      'clientAddress', host(client_addr), 'state', coalesce(state, ''), 'syncState', coalesce(sync_state, ''),
      'syncPriority', coalesce(sync_priority, 0), 'sentLsn', sent_lsn::text, 'flushLsn', flush_lsn::text,
      'replayLsn', replay_lsn::text, 'flushLagBytes', pg_wal_lsn_diff(lsn, flush_lsn))), '[]')
    from pg_stat_replication),
  'walReceiver', (select json_build_object('status', status, 'senderHost', sender_host) from pg_stat_wal_receiver),
  'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'active', active,
      'retainedBytes', pg_wal_lsn_diff(lsn, restart_lsn))), '[]') from pg_replication_slots),
  'blockedSessions', (select json_build_object('count', count(*),
      'oldestSeconds', coalesce(extract(epoch from max(clock_timestamp() - query_start)), 0))
    from pg_stat_activity where wait_event_type = 'IPC' and wait_event = 'SyncRep')
)::text as facts from position`;

/** Error codes of Node's network stack and of PostgreSQL, by the kind of failure they mean. */
const kindByCode: Readonly<Record<string, ObservationFailureKind>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
  ENETUNREACH: 'timeout',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  '28000': 'authentication', // invalid_authorization_specification: pg_hba.conf, unknown role
  '28P01': 'authentication', // invalid_password
  '57P03': 'starting-up', // cannot_connect_now
  '57P01': 'starting-up', // admin_shutdown
  '53300': 'too-many-connections',
  '57014': 'query', // query_canceled: our own statement_timeout
};

function failureKind(error: unknown): ObservationFailureKind {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = kindByCode[code];
  if (known !== undefined) return known;
  return error instanceof Error && /timeout|timed out/i.test(error.message) ? 'timeout' : 'other';
}

/** Observes one node; a failure is part of the answer, never an exception. */
export async function observeNode(
  cluster: Cluster,
  node: ClusterNode,
  credentials: { user: string; password: string },
): Promise<NodeObservation> {
  const client = new pg.Client({
    host: node.address,
    port: node.port ?? cluster.postgres.port,
    database: 'postgres',
    user: credentials.user,
    password: credentials.password,
    // Encrypted but not authenticated: the nodes' certificates are their own, as nothing issues others to them.
    ssl: cluster.replication.tls ? { rejectUnauthorized: false } : false,
    application_name: 'observe-cluster',
    connectionTimeoutMillis: connectMilliseconds,
    query_timeout: statementMilliseconds + 500,
    // Our own SQL must never wait for a standby.
    options: `-c synchronous_commit=local -c statement_timeout=${statementMilliseconds} -c lock_timeout=1000`,
  });
  // A connection that breaks after its query must not end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ facts: string }>(factsQuery);
    return { answered: true, node: node.name, facts: nodeFactsSchema.parse(JSON.parse(rows[0]?.facts ?? 'null')) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { answered: false, node: node.name, failure: { kind: failureKind(error), message } };
  } finally {
    await client.end().catch(() => undefined);
  }
}
