/**
 * A switchover that is killed on its way, together with every host, and started again ends in a healthy cluster. The
 * campaign `npm run bench:interruptions` does so at every step of every runbook.
 */
import { expect, it } from 'vitest';
import { makeLedger, missingRows } from '../../local/client/ledger.ts';
import { nodeNamed, primariesOf, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { runRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { notesCluster } from '../support/clusters.ts';
import { stepEntered } from '../support/executions.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const clusters = [notesCluster()];

it('goes on when it is started again, from before the promotion and from after it', async () => {
  let runtime = await LocalRuntime.start({ clusters });
  try {
    const { directory } = runtime;
    expect(await runRunbook(runtime.clients, 'pg-sync', 'setup', 240)).toMatchObject({ status: 'SUCCEEDED' });
    await makeLedger(runtime.cluster, nodeNamed(runtime.cluster, 'pg_sync_master'));
    const rounds = [
      ['pg_sync_slave01', 'pg_sync_master', 'Promote'],
      ['pg_sync_master', 'pg_sync_slave01', 'Others follow new primary'],
    ] as const;
    const rows: number[] = [];
    /** A commit that waits for a standby. */
    const commit = async (primary: string) => {
      const id = rows.length;
      const insert = `set synchronous_commit = on; insert into ledger (id) values (${id})`;
      await superuserSql(runtime.cluster, nodeNamed(runtime.cluster, primary), insert);
      rows.push(id);
    };
    for (const [to, from, step] of rounds) {
      await commit(from);
      await stepEntered(runtime, await startRunbook(runtime.clients, 'pg-sync', 'switchover', { to }), step);
      await runtime.kill();
      runtime = await LocalRuntime.start({ clusters, directory });
      const again = await waitFor('an answer of the nodes', 60, async () => {
        const outcome = await runRunbook(runtime.clients, 'pg-sync', 'switchover', 120, undefined, { to });
        // The hosts have only just booted.
        const early =
          outcome.status !== 'SUCCEEDED' && /starting-up|does not stream|ClusterNotHealthy/.test(outcome.cause);
        return early ? null : outcome;
      });
      // The latter where the first run had come so far that nothing was left to do.
      const done = again.status === 'SUCCEEDED' || again.error === 'SwitchoverToPrimary';
      expect(done, JSON.stringify(again)).toBe(true);
      const { cluster } = runtime;
      expect((await primariesOf(cluster)).map(({ name }) => name)).toEqual([to]);
      const primary = nodeNamed(cluster, to);
      const [first, second] = cluster.nodes.map(({ name }) => name).filter((name) => name !== to);
      const states = 'select application_name, state, sync_state from pg_stat_replication order by sync_priority';
      await waitForSql(cluster, primary, states, `${first}|streaming|sync\n${second}|streaming|potential`, 60);
      await waitForSql(cluster, primary, 'show synchronous_standby_names', `FIRST 1 ("${first}","${second}")`, 0);
      await commit(to);
      expect(await missingRows(cluster, primary, rows)).toEqual([]);
    }
  } finally {
    await runtime[Symbol.asyncDispose]();
  }
});
