/** Every situation in which a node has fallen out: the method that rejoin chooses, and that it brings the node back. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RejoinMethod } from '../../lambdas/contract/rejoin.ts';
import { master, RejoiningCluster, slave01, slave02 } from '../support/rejoining.ts';

const limit = 120_000;

interface Situation {
  readonly what: string;
  readonly node: string;
  readonly arrange: (cluster: RejoiningCluster) => Promise<void>;
  readonly method: RejoinMethod;
  readonly because: RegExp;
}

const situations: readonly Situation[] = [
  {
    what: 'already fine',
    node: slave01,
    arrange: async () => {},
    method: 'none',
    because: /streams from/,
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
    arrange: (cluster) => cluster.stop(slave02, 'immediate'),
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
];

describe.sequential('rejoin', () => {
  let cluster: RejoiningCluster;
  beforeAll(async () => {
    cluster = await RejoiningCluster.start();
  }, 300_000);
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

  it.each(situations)(
    '$what: $method',
    async ({ node, arrange, method, because }) => {
      await arrange(cluster);
      const plan = await cluster.rejoined(node, { dryRun: true });
      expect(plan.method, plan.reasons.join(' ')).toBe(method);
      const report = await cluster.rejoined(node);
      expect(report, JSON.stringify(report)).toMatchObject({ method, tried: [], node, primary: cluster.primary });
      expect(report.reasons.join(' ')).toMatch(because);
      expect(report.synchronousStandbyNames).toMatch(/^FIRST 1 \(.*"pg_sync_slave02"\)$/);
      await cluster.replicates();
      await cluster.commits();
    },
    limit,
  );

  it(
    'refuses the primary, a node that it does not know, and options that it does not know',
    async () => {
      expect(await cluster.refused(master)).toMatchObject({ error: 'NodeIsPrimary' });
      expect(await cluster.refused('pg_sync_slave03')).toMatchObject({
        error: 'InvalidInput',
        cause: expect.stringContaining('pg_sync_master, pg_sync_slave01, pg_sync_slave02'),
      });
      expect(await cluster.refused(slave01, { dryrun: true } as object)).toMatchObject({ error: 'InvalidInput' });
    },
    limit,
  );
});
