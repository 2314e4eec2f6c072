/** Other clusters than the notes': only clusters.json differs. All are of one runtime, as a fleet is of one file. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalCluster, localClusters } from '../../local/client/host-access.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime, temporaryDirectory } from '../support/local-runtime.ts';
import { binDirectory, whyNoServer } from '../support/postgres-versions.ts';

const majors = [12, 13, 14].map((major) => ({ major, why: whyNoServer(major) }));
const installed = majors.filter(({ why }) => why === undefined).map(({ major }) => major);
const quorumNodes = ['DB-1.example', 'DB-2.example', 'first', 'Any', 'node_5'];
const nodesOf = (prefix: string) => ['primary', 'first', 'second'].map((name) => `${prefix}_${name}`);

const programs = temporaryDirectory('postgres-');
let runtime: LocalRuntime;
beforeAll(async () => {
  const nodes = nodesNamed(...quorumNodes, ...nodesOf('open'), ...installed.flatMap((major) => nodesOf(`pg${major}`)));
  const next = (count: number) => nodes.splice(0, count);
  runtime = await LocalRuntime.start({
    clusters: [
      notesCluster({
        name: 'five-nodes',
        postgres: { port: 6543, dataDirectory: '/data/pg/main' },
        replication: { method: 'ANY', count: 2, user: 'streamer' },
        nodes: next(quorumNodes.length),
      }),
      notesCluster({
        name: 'open',
        replication: { commitLevel: 'remote_apply', authentication: 'md5', tls: false },
        nodes: next(3),
      }),
      ...installed.map((majorVersion) =>
        notesCluster({ name: `pg${majorVersion}`, postgres: { majorVersion }, nodes: next(3) }),
      ),
    ],
    args: installed.flatMap((major) => [
      '--postgres-bin',
      `${major}=${binDirectory(major, join(programs, `${major}`))}`,
    ]),
  });
});
afterAll(async () => {
  await runtime?.[Symbol.asyncDispose]();
  rmSync(programs, { recursive: true, force: true });
});

/** Sets up a cluster of the runtime; gives its primary's SQL and `application_name sync_state` of its standbys, by name. */
async function setUp(name: string) {
  const cluster = localClusters(runtime.directory).find((each) => each.name === name) as LocalCluster;
  const outcome = await runRunbook(runtime.clients, name, 'setup', 240);
  if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
  const primary = nodeNamed(cluster, cluster.nodes[0]?.name ?? '');
  const sql = (statement: string) => superuserSql(cluster, primary, statement);
  const rows = await sql(
    'select application_name, sync_state from pg_stat_replication order by lower(application_name)',
  );
  return { sql, standbys: rows.split('\n').map((row) => row.replace('|', ' ')) };
}

describe('five nodes, ANY 2, names that need quoting, another port and user', () => {
  it('replicate to a quorum', async () => {
    const { sql, standbys } = await setUp('five-nodes');
    expect(standbys).toEqual(['Any quorum', 'DB-2.example quorum', 'first quorum', 'node_5 quorum']);
    expect(await sql('show synchronous_standby_names')).toBe('ANY 2 ("DB-2.example","first","Any","node_5")');
    await sql('begin; set local synchronous_commit = on; create table t (); commit');
  });
});

describe('remote_apply, md5 and no TLS, when so configured', () => {
  it('replicate without encryption', async () => {
    const { sql, standbys } = await setUp('open');
    expect(standbys).toEqual(['open_first sync', 'open_second potential']);
    const facts = await sql(
      "select current_setting('ssl'), current_setting('synchronous_commit'), left(rolpassword, 3) from pg_authid where rolname = 'replica'",
    );
    expect(facts).toBe('off|remote_apply|md5');
  });
});

describe.each(majors)('PostgreSQL $major', ({ major, why }) => {
  it.skipIf(why !== undefined)(`is set up${why === undefined ? '' : ` (skipped: ${why})`}`, async () => {
    const { sql, standbys } = await setUp(`pg${major}`);
    expect(standbys).toEqual([`pg${major}_first sync`, `pg${major}_second potential`]);
    const retention = major === 12 ? 'wal_keep_segments' : 'wal_keep_size';
    const facts = await sql(
      `select current_setting('server_version_num')::int / 10000, current_setting('${retention}')`,
    );
    expect(facts).toBe(`${major}|${major === 12 ? '512' : '8GB'}`);
  });
});
