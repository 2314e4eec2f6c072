/** Every situation in which a node has fallen out: the method that rejoin chooses, and that it brings the node back. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RejoinMethod, RejoinReport } from '../../lambdas/contract/rejoin.ts';
import { hostPath } from '../../local/client/host-access.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { treeDifference, treeSnapshot } from '../../local/client/tree-snapshot.ts';
import { stepEntered } from '../support/executions.ts';
import { allNodes, master, RejoiningCluster, slave01, slave02 } from '../support/rejoining.ts';

interface Situation {
  readonly what: string;
  readonly node: string;
  readonly arrange: (cluster: RejoiningCluster) => Promise<void>;
  readonly method: RejoinMethod;
  readonly because: RegExp;
  /** Methods that are tried first, and the errors that they end with. */
  readonly tried?: readonly (readonly [RejoinMethod, string])[];
  /** What else must be so when the node is back. */
  readonly and?: (cluster: RejoiningCluster, report: RejoinReport) => Promise<void>;
}

/** Makes a standby the primary by hand; the other standby is made to follow it. */
async function succeed(cluster: RejoiningCluster, successor: string, other: string): Promise<void> {
  await cluster.promote(successor);
  expect((await cluster.rejoined(other)).method).toBe('follow');
}

/** Whatever boots a host starts PostgreSQL there where this file is. */
const autostart = (cluster: RejoiningCluster, node: string) => `${cluster.data(node)}.runbook/autostart`;

const situations: readonly Situation[] = [
  {
    what: 'already fine',
    node: slave01,
    arrange: async () => {},
    method: 'none',
    because: /streams from/,
  },
  {
    what: 'fine, but only until the next boot',
    node: slave01,
    arrange: async (cluster) => rmSync(autostart(cluster, slave01)),
    method: 'start',
    because: /does not start there when the host boots/,
    and: async (cluster) => expect(existsSync(autostart(cluster, slave01))).toBe(true),
  },
  {
    what: 'fine, with old data that an earlier rebuild left',
    node: slave02,
    arrange: async (cluster) => {
      const former = `${cluster.data(slave02)}.runbook/former/earlier`;
      await cluster.asPostgres(slave02, ['mkdir', '-p', `${former}/data`]);
      await cluster.asPostgres(slave02, ['touch', `${former}/set-aside-by-a-runbook`]);
    },
    method: 'none',
    because: /streams from/,
    and: async (cluster, report) => {
      expect(report.formerData).toEqual([]);
      expect(readdirSync(`${cluster.data(slave02)}.runbook/former`)).toEqual([]);
    },
  },
  {
    what: 'clean stop',
    node: slave01,
    arrange: (cluster) => cluster.stop(slave01),
    method: 'start',
    because: /does not run on pg_sync_slave01 \(shut down in recovery\)/,
  },
  {
    what: 'crash',
    node: slave02,
    arrange: (cluster) => cluster.crash(slave02),
    method: 'start',
    because: /does not run on pg_sync_slave02 \(in archive recovery\)/,
  },
  {
    what: 'wrong primary_conninfo, running',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.sql(slave01, "alter system set primary_conninfo = 'host=127.0.0.9 port=1'");
      await cluster.sql(slave01, 'select pg_reload_conf()');
    },
    method: 'follow',
    because: /is not set to follow/,
  },
  {
    what: 'missing standby.signal, stopped',
    node: slave02,
    arrange: async (cluster) => {
      await cluster.stop(slave02);
      rmSync(cluster.data(slave02, 'standby.signal'));
    },
    method: 'follow',
    because: /would start as a primary/,
  },
  {
    what: 'missing standby.signal, running',
    node: slave02,
    arrange: async (cluster) => rmSync(cluster.data(slave02, 'standby.signal')),
    method: 'follow',
    because: /the next start would make it a primary/,
  },
  {
    what: 'slot lost by hand',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.stop(slave01);
      await cluster.sql(cluster.primary, "select pg_drop_replication_slot('pg_sync_slave01')");
      await cluster.start(slave01);
    },
    method: 'follow',
    because: /slot of pg_sync_slave01 is missing/,
  },
  {
    what: 'empty directory',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.stop(slave01);
      rmSync(cluster.data(slave01), { recursive: true });
    },
    method: 'rebuild',
    because: /is absent/,
  },
  {
    what: 'WAL gone',
    node: slave02,
    arrange: async (cluster) => {
      await cluster.stop(slave02);
      await cluster.loseWal();
    },
    method: 'rebuild',
    because: /pg_sync_master has removed WAL that pg_sync_slave02 still needs/,
    and: async (cluster, report) => {
      expect(report).toMatchObject({ formerData: [], keptWal: null });
      expect(report.bytes).toBeGreaterThan(10_000_000);
      expect(readdirSync(`${cluster.data(slave02)}.runbook/former`)).toEqual([]);
    },
  },
  {
    what: 'corrupted control file',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.stop(slave01);
      writeFileSync(cluster.data(slave01, 'global/pg_control'), Buffer.alloc(8192, 'x'));
    },
    method: 'rebuild',
    because: /control file of pg_sync_slave01 cannot be used/,
  },
  {
    what: 'configuration that PostgreSQL refuses',
    node: slave02,
    arrange: async (cluster) => {
      await cluster.stop(slave02);
      writeFileSync(cluster.data(slave02, 'postgresql.conf'), 'nonsense = on\n');
    },
    method: 'rebuild',
    because: /is not set to follow/,
    tried: [['follow', 'StartFailed']],
  },
  {
    what: 'former primary that was stopped cleanly',
    node: master,
    arrange: async (cluster) => {
      await cluster.stop(master);
      await succeed(cluster, slave01, slave02);
    },
    method: 'follow',
    because: /would start as a primary/,
  },
  {
    what: 'diverged timeline: a former primary that crashed',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.write(slave01, 'shared');
      await cluster.stop(slave02); // So that only the other one has what comes now.
      await cluster.stop(master);
      await cluster.write(slave01, 'only_here');
      await cluster.crash(slave01);
      await cluster.start(slave02);
      await cluster.start(master);
      await succeed(cluster, master, slave02);
      await cluster.write(master, 'only_there');
    },
    method: 'rewind',
    because: /was not shut down cleanly/,
    and: async (cluster, report) => {
      expect(
        await cluster.sql(slave01, "select to_regclass('only_here') is null, to_regclass('only_there') is null"),
      ).toBe('t|f');
      expect(report.keptWal?.summary.join(' ')).toMatch(/pg_sync_slave01 went its own way .* committed transaction/);
      expect(
        readdirSync(hostPath(cluster.runtime.cluster, cluster.node(slave01), report.keptWal?.directory ?? '')),
      ).toContain('summary.txt');
    },
  },
  {
    what: 'second primary: a former one that runs beside its successor',
    node: master,
    arrange: async (cluster) => {
      await cluster.settle();
      await cluster.crash(master);
      await succeed(cluster, slave01, slave02);
      await cluster.start(master);
      await cluster.write(master, 'split');
    },
    method: 'rewind',
    because: /former primary that accepts writes beside pg_sync_slave01/,
    and: async (cluster, report) => {
      expect(await cluster.sql(master, "select to_regclass('split') is null")).toBe('t');
      expect(report.keptWal).not.toBeNull();
    },
  },
  {
    what: 'former primary of two failovers ago',
    node: slave01,
    arrange: async (cluster) => {
      await cluster.write(slave01, 'long_ago');
      await cluster.settle();
      await cluster.crash(slave01);
      await succeed(cluster, slave02, master);
      await cluster.stop(slave02);
      await cluster.promote(master);
      expect((await cluster.rejoined(slave02)).method).toBe('follow');
    },
    method: 'rewind',
    because: /was not shut down cleanly/,
  },
  {
    what: 'rewind that finds its WAL gone',
    node: master,
    arrange: async (cluster) => {
      await cluster.settle();
      await cluster.crash(master);
      await succeed(cluster, slave01, slave02);
      // pg_rewind goes back in the node's own WAL to the last checkpoint that both have.
      await cluster.write(slave01, 'onwards');
      for (const file of readdirSync(cluster.data(master, 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name)))
        truncateSync(cluster.data(master, 'pg_wal', file), 8192);
    },
    method: 'rebuild',
    because: /was not shut down cleanly/,
    tried: [['rewind', 'RewindFailed']],
  },
];

describe.sequential('rejoin', () => {
  let cluster: RejoiningCluster;
  beforeAll(async () => {
    cluster = await RejoiningCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(situations)('$what: $method', async ({ node, arrange, method, because, tried = [], and }) => {
    await arrange(cluster);
    const report = await cluster.rejoined(node);
    expect(report, JSON.stringify(report)).toMatchObject({ method, node, primary: cluster.primary });
    expect(report.reasons.join(' ')).toMatch(because);
    expect(report.tried.map(({ method: first, error }) => [first, error])).toEqual(tried);
    const standbys = allNodes.filter((name) => name !== cluster.primary);
    expect(report.synchronousStandbyNames).toBe(`FIRST 1 (${standbys.map((name) => `"${name}"`).join(',')})`);
    await and?.(cluster, report);
    await cluster.replicates();
    await cluster.commits();
  });

  it('only says what it would do when asked for a plan, and sends nothing that changes anything', async () => {
    const victim = cluster.primary === slave02 ? slave01 : slave02;
    await cluster.stop(victim);
    const before = treeSnapshot(cluster.home(victim));
    const outcome = await cluster.rejoin(victim, { dryRun: true });
    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { dryRun: true, method: 'start', rebuild: { verdict: 'allowed' } },
    });
    const plan = await cluster.rejoined(victim, { dryRun: true });
    expect(plan.summary[0]).toBe(`Plan for ${victim}: start it as a standby of ${cluster.primary}.`);
    expect(treeDifference(before, treeSnapshot(cluster.home(victim)))).toEqual([]);
    expect((await cluster.rejoined(victim)).method).toBe('start');
  });

  it('looks again when a former primary is started after it was looked at, as by a host that boots', async () => {
    const former = cluster.primary;
    const [successor = '', other = ''] = allNodes.filter((name) => name !== former);
    await cluster.stop(former);
    await succeed(cluster, successor, other);
    // As long as another command has the host, the step that would change the node waits.
    const busy = spawn('flock', ['--no-fork', cluster.lock(former), 'sleep', '60']);
    const { clients } = cluster.runtime;
    const execution = await startRunbook(clients, 'pg-sync', 'rejoin', { node: former });
    await stepEntered(cluster.runtime, execution, 'Follow primary');
    await cluster.start(former);
    busy.kill();
    const outcome = await awaitRunbook(clients, 'pg-sync', execution, 120);
    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { method: 'rewind', reasons: [expect.stringContaining('former primary that accepts writes')] },
    });
    await cluster.replicates();
  });

  it('never touches the data of another cluster', async () => {
    const victim = cluster.primary === slave02 ? slave01 : slave02;
    await cluster.stop(victim);
    const { binDirectory } = cluster.runtime.cluster.postgres;
    const [data, own] = [cluster.data(victim), `${cluster.data(victim)}.own`];
    renameSync(data, own);
    await cluster.asPostgres(victim, [`${binDirectory}/initdb`, '-D', data]);
    const before = treeSnapshot(data);
    expect(await cluster.refused(victim)).toMatchObject({
      error: 'ForeignData',
      cause: expect.stringMatching(
        /belongs to another cluster: its system identifier is \d+[\s\S]*Nothing was changed/,
      ),
    });
    expect(treeDifference(before, treeSnapshot(data))).toEqual([]);
    rmSync(data, { recursive: true });
    renameSync(own, data);
    expect((await cluster.rejoined(victim)).method).toBe('start');
  });

  it('refuses when no primary is seen', async () => {
    await cluster.stop(cluster.primary);
    expect(await cluster.refused(allNodes.find((name) => name !== cluster.primary) ?? '')).toMatchObject({
      error: 'NoPrimary',
      cause: expect.stringContaining(`${cluster.primary} does not answer`),
    });
    await cluster.start(cluster.primary);
  });

  it('refuses the primary, a node that it does not know, and options that it does not know', async () => {
    expect(await cluster.refused(cluster.primary)).toMatchObject({ error: 'NodeIsPrimary' });
    expect(await cluster.refused('pg_sync_slave03')).toMatchObject({
      error: 'InvalidInput',
      cause: expect.stringContaining('pg_sync_master, pg_sync_slave01, pg_sync_slave02'),
    });
    expect(await cluster.refused(slave01, { dryrun: true } as object)).toMatchObject({ error: 'InvalidInput' });
  });
});
