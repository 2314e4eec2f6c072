/** Nodes of a world, as they come: well most of the time, and each in its own trouble now and then. */
import fc from 'fast-check';
import { observationFailureKinds } from '../../lambdas/contract/observation.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { managed, type NodeInWorld } from './observed.ts';

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** @param index the first node of a cluster is its primary most of the time */
export const nodeInWorld = (index: number) =>
  fc.record({
    role:
      index === 0
        ? often<NodeInWorld['role']>('primary', 'standby')
        : often<NodeInWorld['role']>('standby', 'standby', 'primary'),
    seen: often<NodeInWorld['seen']>('answers', ...observationFailureKinds),
    streams: often(true, false),
    facts: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom(
        { replayPaused: true },
        { synchronousStandbyNames: '' },
        { synchronousStandbyNames: 'FIRST 1 ("oh no"' },
        { synchronousCommit: 'local' },
        { timeline: 2 },
        { systemIdentifier: '1' },
        { startedAt: '2020-01-06T08:00:00' },
        { lsn: '0/7000000', startedAt: '2020-01-06T09:00:00' },
        { blockedSessions: { count: 2, oldestSeconds: 30, transactions: ['1/2/3', '4/5/6'] as string[] } },
        { settings: [] },
        { settings: managed(exampleCluster(), { wal_log_hints: { setting: 'off' } }) },
        { slots: [] },
      ),
    ),
    row: fc.oneof(
      { weight: 6, arbitrary: fc.constant({}) },
      fc.constantFrom(
        { state: 'catchup' },
        { state: 'startup', flushLsn: null },
        { flushLagBytes: 1e9, replayLagBytes: 1e9, flushLagSeconds: 100, replayLagSeconds: 100 },
        { replyAgeSeconds: 7 },
        { replyAgeSeconds: null, flushLagBytes: null, replayLagBytes: null },
      ),
    ),
  });
