/**
 * A standby is removed as the README has it, under a writer. Deploying is a new start of the local runtime with the
 * shorter cluster; the host that goes stays on, as one of another cluster, and its PostgreSQL goes on following.
 */
import { describe, expect, it } from 'vitest';
import { waitForSql } from '../../local/client/node-sql.ts';
import { Writer } from '../../local/client/writer.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { directoryOfTest, LocalRuntime } from '../support/local-runtime.ts';
import { noMachines, titled } from '../support/machines.ts';
import { blocksOf } from '../support/pages.ts';
import { noAwsCli, Pasting, titledWithCli } from '../support/pasting.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

const removal = blocksOf('README.md').filter(({ heading }) => heading === 'Remove a standby');
const [maintenance = '', deploy = '', setup = '', stopForGood = '', dropSlot = '', end = ''] = removal.map(
  ({ text }) => text,
);
const [defineRunbook = ''] = blocksOf('README.md').flatMap(({ heading, text }) =>
  heading === 'Operating' ? [text] : [],
);

/** A stall of this length would be a defect and not a busy machine: no commit may wait for the standby that goes. */
const longestWriteMilliseconds = 10_000;

/** Machines: there each host connects from its own address, and systemd runs PostgreSQL. */
const args = ['--hosts', 'machines'];

describe.skipIf(noAwsCli || noMachines)(titled(titledWithCli('a standby is removed as the README has it')), () => {
  it('no write fails or waits, nobody is paged, and nothing of it is left on the primary', async () => {
    const [master, slave01, slave02, spare] = nodesNamed(
      ...['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02', 'pg_spare'],
    );
    if (!(master && slave01 && slave02 && spare)) throw new RangeError('four are named');
    const { alerts, subscriber } = await alertsTo('pg-sync');
    await using _ = subscriber;
    const clusterOf = (nodes: (typeof master)[]) => ({
      ...notesCluster({ nodes }),
      alerts,
      monitoring: { checkIntervalSeconds: 5 },
    });
    const directory = directoryOfTest('removal-');
    const pasting = new Pasting();

    const first = await LocalRuntime.start({ clusters: [clusterOf([master, slave01, slave02])], directory, args });
    try {
      const watched = new WatchedCluster(first, 'pg-sync', subscriber);
      await watched.setUp();
      await using writer = await Writer.start(watched.cluster, watched.node('pg_sync_master'));
      await pasting.paste(first, defineRunbook, maintenance);
      expect(writer.report()).toMatchObject({ failures: 0 });
      await watched.mailbox.notices();
    } finally {
      await first.stop();
    }

    expect(deploy).toBe('npx cdk deploy --all\n');
    const clusters = [clusterOf([master, slave01]), notesCluster({ name: 'pg-other', nodes: [slave02, spare] })];
    const runtime = await LocalRuntime.start({ clusters, directory, args });
    try {
      const watched = new WatchedCluster(runtime, 'pg-sync', subscriber);
      const other = new WatchedCluster(runtime, 'pg-other', subscriber);
      const { cluster } = watched;
      const primary = watched.node('pg_sync_master');
      const following =
        "select string_agg(application_name || ' ' || sync_state, ', ' order by application_name) from pg_stat_replication where state = 'streaming'";
      await waitForSql(cluster, primary, following, 'pg_sync_slave01 sync, pg_sync_slave02 potential', 90);
      await using writer = await Writer.start(cluster, primary);
      writer.report();

      await pasting.paste(runtime, defineRunbook, setup);
      expect(await watched.sql('pg_sync_master', 'show synchronous_standby_names')).toBe('FIRST 1 ("pg_sync_slave01")');
      // It follows on, and no commit waits for it any more.
      expect(await watched.sql('pg_sync_master', following)).toBe('pg_sync_slave01 sync, pg_sync_slave02 async');
      const drop = () => pasting.pasteOnHost(cluster, primary, dropSlot);
      await expect(drop()).rejects.toThrow(/replication slot "pg_sync_slave02" is active/);

      await pasting.pasteOnHost(other.cluster, other.node('pg_sync_slave02'), stopForGood);
      await waitForSql(cluster, primary, following, 'pg_sync_slave01 sync', 30);
      await drop();
      expect(await watched.sql('pg_sync_master', 'select slot_name from pg_replication_slots')).toBe('pg_sync_slave01');
      const rules = "select count(*) from pg_hba_file_rules where address = '192.168.168.135'";
      expect(await watched.sql('pg_sync_master', rules)).toBe('0');
      // What docs/failures.md shows on a host.
      for (const { heading, text } of blocksOf('docs/failures.md')) {
        if (heading !== 'On the host') continue;
        const shown = await pasting.pasteOnHost(cluster, primary, text);
        expect(shown).toMatch(/ pgpass$/m);
        expect(shown).toMatch(/^prove-durable-write of operation /m);
      }

      await pasting.paste(runtime, defineRunbook, end);
      await watched.expectSilence();
      const report = writer.report();
      expect(report).toMatchObject({ failures: 0 });
      expect(report.commits).toBeGreaterThan(0);
      expect(report.longestMilliseconds).toBeLessThan(longestWriteMilliseconds);
    } finally {
      await runtime.stop();
    }
  });
});
