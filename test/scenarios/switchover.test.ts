/** The switchover runbook on real PostgreSQL, with an application that writes all the while. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { underLoad } from '../support/under-load.ts';

describe('switchover', () => {
  let runtime: LocalRuntime;
  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const sql = (name: string, statement: string) => superuserSql(runtime.cluster, node(name), statement);
  const switchover = (input: object) => runRunbook(runtime.clients, 'pg-sync', 'switchover', 120, undefined, input);

  beforeAll(async () => {
    runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
    const outcome = await runRunbook(runtime.clients, 'pg-sync', 'setup', 240);
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
    await makeLedger(runtime.cluster, node('pg_sync_master'));
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  // How long they wait: stalls.timed.test.ts.
  it.each([
    ['pg_sync_slave01', 'pg_sync_master', 2],
    ['pg_sync_slave02', 'pg_sync_slave01', 3],
    ['pg_sync_master', 'pg_sync_slave02', 4],
  ])('makes %s the primary under a writer: no commit lost', async (to, from, timeline) => {
    await underLoad(runtime.cluster, node(to), async () => {
      const outcome = await switchover({ to });
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: to, formerPrimary: from, timeline, notFollowing: [] },
      });
    });
    const standbys = runtime.cluster.nodes.map(({ name }) => name).filter((name) => name !== to);
    expect(await sql(to, 'select application_name, sync_state from pg_stat_replication order by sync_priority')).toBe(
      `${standbys[0]}|sync\n${standbys[1]}|potential`,
    );
  });

  it('goes back to where it began when the new primary does not get all WAL', async () => {
    // A receiver that hangs: its walsender is given up after 8 s, and the primary stops without it.
    const receiver = Number(await sql('pg_sync_slave01', 'select pid from pg_stat_wal_receiver'));
    process.kill(receiver, 'SIGSTOP');
    try {
      const outcome = await switchover({ to: 'pg_sync_slave01' });
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'FAILED',
        error: 'SwitchoverAbandoned',
        cause: expect.stringMatching(/pg_sync_master is the primary again.*StandbyLacksWal/s),
      });
    } finally {
      process.kill(receiver, 'SIGCONT');
    }
    expect(await sql('pg_sync_master', 'select pg_is_in_recovery()')).toBe('f');
    const streaming = "select count(*) from pg_stat_replication where state = 'streaming'";
    await waitForSql(runtime.cluster, node('pg_sync_master'), streaming, '2', 60);
  });
});
