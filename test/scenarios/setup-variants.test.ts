/** Other clusters than the notes': only clusters.json differs. */
import { describe, expect, it } from 'vitest';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { binDirectory, whyNoServer } from '../support/postgres-versions.ts';

/** Sets up the runtime's cluster and returns `application_name sync_state` of its standbys, by name. */
async function setUp(runtime: LocalRuntime): Promise<string[]> {
  const { cluster, clients } = runtime;
  const outcome = await runRunbook(clients, cluster.name, 'setup', 240);
  if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
  const primary = nodeNamed(cluster, cluster.nodes[0]?.name ?? '');
  const rows = await superuserSql(
    cluster,
    primary,
    'select application_name, sync_state from pg_stat_replication order by lower(application_name)',
  );
  return rows.split('\n').map((row) => row.replace('|', ' '));
}

describe('five nodes, ANY 2, names that need quoting, another port and user', () => {
  it('replicate to a quorum', async () => {
    await using runtime = await LocalRuntime.start({
      clusters: [
        notesCluster({
          name: 'five-nodes',
          postgres: { port: 6543, dataDirectory: '/data/pg/main' },
          replication: { method: 'ANY', count: 2, user: 'streamer' },
          nodes: nodesNamed('DB-1.example', 'DB-2.example', 'first', 'Any', 'node_5'),
        }),
      ],
    });
    expect(await setUp(runtime)).toEqual(['Any quorum', 'DB-2.example quorum', 'first quorum', 'node_5 quorum']);
    const primary = nodeNamed(runtime.cluster, 'DB-1.example');
    expect(await superuserSql(runtime.cluster, primary, 'show synchronous_standby_names')).toBe(
      'ANY 2 ("DB-2.example","first","Any","node_5")',
    );
    await superuserSql(runtime.cluster, primary, 'begin; set local synchronous_commit = on; create table t (); commit');
  });
});

describe('remote_apply, md5 and no TLS, when so configured', () => {
  it('replicate without encryption', async () => {
    await using runtime = await LocalRuntime.start({
      clusters: [
        notesCluster({
          replication: { commitLevel: 'remote_apply', authentication: 'md5', tls: false },
        }),
      ],
    });
    expect(await setUp(runtime)).toEqual(['pg_sync_slave01 sync', 'pg_sync_slave02 potential']);
    const primary = nodeNamed(runtime.cluster, 'pg_sync_master');
    const facts = await superuserSql(
      runtime.cluster,
      primary,
      "select current_setting('ssl'), current_setting('synchronous_commit'), left(rolpassword, 3) from pg_authid where rolname = 'replica'",
    );
    expect(facts).toBe('off|remote_apply|md5');
  });
});

describe.each([12, 13, 14])('PostgreSQL %i', (major) => {
  const why = whyNoServer(major);

  it.skipIf(why !== undefined)(`is set up${why === undefined ? '' : ` (skipped: ${why})`}`, async () => {
    await using runtime = await LocalRuntime.start({
      clusters: [notesCluster({ postgres: { majorVersion: major } })],
      args: ['--postgres-bin', `${major}=${binDirectory(major)}`],
    });
    expect(await setUp(runtime)).toEqual(['pg_sync_slave01 sync', 'pg_sync_slave02 potential']);
    const primary = nodeNamed(runtime.cluster, 'pg_sync_master');
    const retention = major === 12 ? 'wal_keep_segments' : 'wal_keep_size';
    const facts = await superuserSql(
      runtime.cluster,
      primary,
      `select current_setting('server_version_num')::int / 10000, current_setting('${retention}')`,
    );
    expect(facts).toBe(`${major}|${major === 12 ? '512' : '8GB'}`);
  });
});
