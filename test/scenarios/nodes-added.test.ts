/**
 * A cluster that is changed: whichever node becomes the primary afterwards, one that is older than the change above all,
 * it lets in every node of the cluster as that is now.
 */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { expectHealthy, noMachines, setUp, startMachines, titled } from '../support/machines.ts';
import { underLoad } from '../support/under-load.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const all = nodesNamed(master, slave01, slave02);

async function expectSuccess(
  { clients }: LocalRuntime,
  runbook: 'failover' | 'rejoin' | 'switchover',
  input: object,
  output: object,
): Promise<void> {
  const outcome = await runRunbook(clients, 'pg-sync', runbook, 180, undefined, input);
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED', output });
}

/** Uses a runtime and ends it; what is on its hosts stays for the next one, of a changed clusters file. */
async function withRuntime(starting: Promise<LocalRuntime>, use: (runtime: LocalRuntime) => Promise<void>) {
  const runtime = await starting;
  try {
    await use(runtime);
  } finally {
    await runtime.stop();
  }
  return runtime.directory;
}

// Here connections come from the nodes' own addresses.
describe.skipIf(noMachines)(titled('a standby that is older than a change of the cluster'), () => {
  it('lets in a node that was added since, and one that has moved, when it is the primary', async () => {
    const two = startMachines({ clusters: [notesCluster({ nodes: all.slice(0, 2) })] });
    const directory = await withRuntime(two, async (runtime) => {
      await setUp(runtime);
      await makeLedger(runtime.cluster, nodeNamed(runtime.cluster, master));
    });

    await withRuntime(startMachines({ clusters: [notesCluster()], directory }), async (runtime) => {
      const { clients, cluster } = runtime;
      await setUp(runtime);
      await checkerKnows(clients, 'pg-sync', master);
      const InstanceIds = [nodeNamed(cluster, master).instanceId];
      await underLoad(cluster, nodeNamed(cluster, slave01), async () => {
        await clients.ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true }));
        await expectSuccess(runtime, 'failover', {}, { primary: slave01, notFollowing: [] });
      });
      const streaming = 'select application_name, sync_state from pg_stat_replication';
      await waitForSql(cluster, nodeNamed(cluster, slave01), streaming, `${slave02}|sync`, 30);
      await clients.ec2.send(new StartInstancesCommand({ InstanceIds }));
      await waitForSql(cluster, nodeNamed(cluster, master), 'select pg_is_in_recovery()', 'f', 60);
      await expectSuccess(runtime, 'rejoin', { node: master }, { primary: slave01 });
    });

    const nodes = all.map((node) => (node.name === slave02 ? { ...node, address: '192.168.168.177' } : node));
    await using moved = await startMachines({ clusters: [notesCluster({ nodes })], directory });
    await setUp(moved);
    await underLoad(moved.cluster, nodeNamed(moved.cluster, master), () =>
      expectSuccess(moved, 'switchover', { to: master }, { primary: master, notFollowing: [] }),
    );
    await expectHealthy(moved);
  });
});

describe('a cluster whose replication is configured anew', () => {
  it('has TLS and the new settings on every node, without a restart; a standby takes over with them', async () => {
    const clear = LocalRuntime.start({ clusters: [notesCluster({ replication: { tls: false } })] });
    const directory = await withRuntime(clear, async (runtime) => {
      await setUp(runtime);
      await makeLedger(runtime.cluster, nodeNamed(runtime.cluster, master));
    });

    const changed = notesCluster({ replication: { tls: true, commitLevel: 'remote_apply' } });
    await using runtime = await LocalRuntime.start({ clusters: [changed], directory });
    const { cluster } = runtime;
    const sql = (name: string, statement: string) => superuserSql(cluster, nodeNamed(cluster, name), statement);
    const names = [master, slave01, slave02];
    const started = () => Promise.all(names.map((name) => sql(name, 'select pg_postmaster_start_time()')));
    await waitForSql(
      cluster,
      nodeNamed(cluster, master),
      "select count(*) from pg_stat_replication where state = 'streaming'",
      '2',
      60,
    );
    const before = await started();
    await setUp(runtime);
    expect(await started()).toEqual(before);
    for (const name of names) {
      expect(
        await sql(
          name,
          "select current_setting('ssl') || ' ' || setting from pg_file_settings where name = 'synchronous_commit' order by seqno desc limit 1",
        ),
      ).toBe('on remote_apply');
    }
    await underLoad(cluster, nodeNamed(cluster, slave01), () =>
      expectSuccess(runtime, 'switchover', { to: slave01 }, { primary: slave01, notFollowing: [] }),
    );
    expect(await sql(slave01, 'select count(*) from pg_stat_replication join pg_stat_ssl using (pid) where ssl')).toBe(
      '2',
    );
  });
});
