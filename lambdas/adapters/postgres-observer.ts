/** Asks one PostgreSQL node for its facts: one connection, one round trip, bounded in time. */
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Cluster, ClusterNode } from '../contract/cluster-config.ts';
import { type NodeObservation, nodeFactsSchema, type ObservationFailureKind } from '../contract/observation.ts';
import { observedSettings } from '../domain/drift.ts';
import { sessionOptions } from './session-settings.ts';
import { Turns } from './turns.ts';

/** For everything together, from resolving the name to the last byte of the answer. */
const defaultMilliseconds = 3000;
/** For saying goodbye to a server that has already answered. */
const farewellMilliseconds = 200;

/**
 * All facts as one JSON value. Works on 12 to 18, on primaries and standbys: the CASEs keep functions that are not
 * allowed in the other role from being called, and columns that only newer versions have are read from the row as JSON.
 */
const factsQuery = `
with position as (
  select pg_is_in_recovery() as in_recovery,
         case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
              else pg_current_wal_lsn() end as lsn
), receiver as (
  select * from pg_stat_wal_receiver where pid is not null
), waiting as (
  select query_start, concat_ws('/', pid, backend_xid, extract(epoch from query_start)) as name
  from pg_stat_activity where wait_event_type = 'IPC' and wait_event = 'SyncRep'
)
select json_build_object(
  'versionNumber', current_setting('server_version_num')::int,
  'inRecovery', in_recovery,
  'timeline', case when in_recovery then coalesce((select received_tli from receiver),
      (select greatest(c.timeline_id, r.min_recovery_end_timeline) from pg_control_checkpoint() c, pg_control_recovery() r))
    else ('x' || substr(pg_walfile_name(lsn), 1, 8))::bit(32)::int end,
  'systemIdentifier', (select system_identifier::text from pg_control_system()),
  -- The checkpointer is started anew when PostgreSQL recovers from the crash of a process; the postmaster is not.
  'startedAt', (select greatest(pg_postmaster_start_time(), max(backend_start)) at time zone 'UTC'
    from pg_stat_activity where backend_type = 'checkpointer'),
  'lsn', lsn::text,
  -- A segment's name holds its timeline, and its position in two halves.
  'oldestWalLsn', case when not in_recovery then (
    select upper(to_hex(('x' || substr(name, 9, 8))::bit(32)::bigint) || '/' ||
      to_hex(('x' || substr(name, 17))::bit(32)::bigint * size.bytes))
    from pg_ls_waldir(), (select setting::bigint as bytes from pg_settings
      where name = 'wal_segment_size') size
    where name ~ '^[0-9A-F]{24}$' order by substr(name, 9) collate "C" limit 1) end,
  'replayedLsn', case when in_recovery then pg_last_wal_replay_lsn()::text end,
  'replayPaused', case when in_recovery then pg_is_wal_replay_paused() else false end,
  'synchronousStandbyNames', current_setting('synchronous_standby_names'),
  'synchronousCommit', current_setting('synchronous_commit'),
  'settings', (select coalesce(json_agg(json_build_object(
      'name', name, 'setting', setting, 'unit', unit, 'sourceFile', sourcefile, 'sourceLine', sourceline,
      'pendingRestart', pending_restart)), '[]')
    from pg_settings where name = any($1)),
  'replication', (select coalesce(json_agg(json_build_object(
      'user', coalesce(usename, ''), 'applicationName', coalesce(application_name, ''),
      'clientAddress', host(client_addr), 'state', coalesce(state, ''), 'syncState', coalesce(sync_state, ''),
      'syncPriority', coalesce(sync_priority, 0), 'sentLsn', sent_lsn::text, 'flushLsn', flush_lsn::text,
      'replayLsn', replay_lsn::text,
      'flushLagBytes', pg_wal_lsn_diff(lsn, flush_lsn), 'replayLagBytes', pg_wal_lsn_diff(lsn, replay_lsn),
      'writeLagSeconds', extract(epoch from write_lag), 'flushLagSeconds', extract(epoch from flush_lag),
      'replayLagSeconds', extract(epoch from replay_lag),
      'replyAgeSeconds', extract(epoch from clock_timestamp() - reply_time))), '[]')
    from pg_stat_replication),
  'walReceiver', (select json_build_object('status', status, 'senderHost', sender_host, 'senderPort', sender_port,
      'messageAgeSeconds', extract(epoch from clock_timestamp() - last_msg_receipt_time)) from receiver),
  'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'active', active,
      'retainedBytes', pg_wal_lsn_diff(lsn, restart_lsn), 'walStatus', to_jsonb(s) ->> 'wal_status')), '[]')
    from pg_replication_slots s),
  'blockedSessions', (select json_build_object('count', count(*),
      'oldestSeconds', greatest(0, coalesce(extract(epoch from max(clock_timestamp() - query_start)), 0)),
      'transactions', coalesce((select json_agg(name) from (
        select name from waiting order by query_start limit 20) oldest), '[]'))
    from waiting)
)::text as facts from position`;

/** Error codes of Node's network stack and of PostgreSQL, by the kind of failure they mean. */
const kindByCode: Readonly<Record<string, ObservationFailureKind>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
  EHOSTDOWN: 'timeout',
  ENETUNREACH: 'timeout',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  '28000': 'authentication', // invalid_authorization_specification: pg_hba.conf, unknown role
  '28P01': 'authentication', // invalid_password
  '42501': 'authentication', // insufficient_privilege: not a member of pg_monitor
  '57P03': 'starting-up', // cannot_connect_now: or shutting down, which only the words tell
  '57P01': 'shutting-down', // admin_shutdown
  '57P02': 'shutting-down', // crash_shutdown
  '53300': 'too-many-connections',
};

/** Those of the monitoring user. */
interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A node that gave no answer in its time; the message says how far it got. */
class Deadline extends Error {}

function failureKind(error: unknown): ObservationFailureKind {
  if (error instanceof Deadline) return 'timeout';
  if (!(error instanceof Error)) return 'other';
  const code = 'code' in error ? String(error.code) : '';
  if (code === '57P03' && /shutting down/i.test(error.message)) return 'shutting-down';
  const known = kindByCode[code];
  if (known !== undefined) return known;
  // A connection closed between messages is an error of the driver without a code.
  if (/connection terminated/i.test(error.message)) return 'reset';
  return error instanceof pg.DatabaseError ? 'query' : 'other';
}

/** Nodes that one process asks at the same time: as many as a cluster may have, so that none of one cluster waits. */
const mostAtOnce = 32;
const turns = new Turns(mostAtOnce);

/** Observes all nodes of a cluster at once. */
export function observeNodes(cluster: Cluster, credentials: Credentials): Promise<NodeObservation[]> {
  return Promise.all(cluster.nodes.map((node) => turns.run(() => observeNode(cluster, node, credentials))));
}

/** Observes one node; a failure is part of the answer, never an exception. */
export async function observeNode(
  cluster: Cluster,
  node: ClusterNode,
  credentials: Credentials,
  milliseconds = defaultMilliseconds,
): Promise<NodeObservation> {
  const socket = new Socket();
  let reached = `no TCP connection to ${node.address}`;
  socket.once('connect', () => {
    reached = 'the connection was accepted, and PostgreSQL did not answer';
  });
  const client = new pg.Client({
    host: node.address,
    port: node.port ?? cluster.postgres.port,
    database: 'postgres',
    user: credentials.user,
    password: credentials.password,
    // Encrypted but not authenticated: the nodes' certificates are their own, as nothing issues others to them.
    ssl: cluster.replication.tls ? { rejectUnauthorized: false } : false,
    application_name: 'observe-cluster',
    stream: () => socket,
    options: sessionOptions(milliseconds),
  });
  // A connection that breaks after its query must not end the process.
  client.on('error', () => undefined);
  const deadline = new AbortController();
  try {
    const facts = await Promise.race([
      ask(client, cluster, () => {
        reached = 'PostgreSQL accepted the session, and did not answer the question';
      }),
      pause(milliseconds, undefined, { signal: deadline.signal }).then(() => {
        throw new Deadline(`${reached} within ${milliseconds} ms`);
      }),
    ]);
    await Promise.race([client.end().catch(() => undefined), pause(farewellMilliseconds)]);
    return { answered: true, node: node.name, facts: nodeFactsSchema.parse(JSON.parse(facts)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { answered: false, node: node.name, failure: { kind: failureKind(error), message } };
  } finally {
    deadline.abort();
    socket.destroy();
  }
}

async function ask(client: pg.Client, cluster: Cluster, connected: () => void): Promise<string> {
  await client.connect();
  connected();
  const { rows } = await client.query<{ facts: string }>(factsQuery, [observedSettings(cluster)]);
  return rows[0]?.facts ?? 'null';
}
