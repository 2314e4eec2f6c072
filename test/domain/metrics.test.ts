import { expect, it } from 'vitest';
import { clusterMetrics, nodeMetrics } from '../../lambdas/contract/metrics.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { checkSeconds, metricsOf } from '../../lambdas/domain/metrics.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();

/** Figures as `Name{Node}` → value. */
function figures(changes: Record<string, Partial<NodeInWorld>>): Record<string, number> {
  const observation = observe(cluster, world(cluster, changes));
  const health = assess(cluster, observation, { ...emptyMemory, setUp: true }, new Date(0));
  return Object.fromEntries(
    metricsOf(cluster, observation, health).map(({ name, value, dimensions: { Cluster, Node } }) => {
      expect(Cluster).toBe('pg-sync');
      return [Node === undefined ? name : `${name}{${Node}}`, value];
    }),
  );
}

it('says in figures what a check saw', () => {
  const row = { replayLagBytes: 4096, flushLagSeconds: 1.5, replayLagSeconds: 2 };
  const blockedSessions = { count: 3, oldestSeconds: 1.2, transactions: [] };
  expect(figures({ pg_sync_slave01: { row }, pg_sync_master: { facts: { blockedSessions } } })).toEqual({
    Status: 0,
    StandbysStreaming: 2,
    SynchronousStandbys: 1,
    BlockedSessions: 3,
    OldestWaitSeconds: 1.2,
    SlotRetainedBytes: 0,
    'LagBytes{pg_sync_slave01}': 4096,
    'LagSeconds{pg_sync_slave01}': 2,
    'LagBytes{pg_sync_slave02}': 0,
    'LagSeconds{pg_sync_slave02}': 0,
  });
});

it('leaves out what nobody can know', () => {
  expect(figures({ pg_sync_slave02: { seen: 'refused', streams: false } })).not.toHaveProperty(
    'LagBytes{pg_sync_slave02}',
  );
  expect(figures({ pg_sync_master: { seen: 'timeout' } })).toEqual({ Status: 2 });
});

it('uses every name that alarms and dashboard read', () => {
  const names = [...Object.keys(figures({})), checkSeconds(cluster, new Date(0), new Date(1234)).name];
  expect(new Set(names.map((name) => name.replace(/\{.*/, '')))).toEqual(new Set([...clusterMetrics, ...nodeMetrics]));
  expect(checkSeconds(cluster, new Date(0), new Date(1234)).value).toBe(1.234);
});
