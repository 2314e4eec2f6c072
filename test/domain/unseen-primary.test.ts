/** A former primary has come back and is the only one that answers; the standbys have gone on with one that does not. */
import { describe, expect, it } from 'vitest';
import type { CheckerMemory } from '../../lambdas/contract/health.ts';
import type { NodeFacts } from '../../lambdas/contract/observation.ts';
import { planAllowAsync } from '../../lambdas/domain/allow-async.ts';
import { emptyMemory, remember } from '../../lambdas/domain/checker-memory.ts';
import { planFailover } from '../../lambdas/domain/failover-plan.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { planResumeSync } from '../../lambdas/domain/resume-sync.ts';
import { survey } from '../../lambdas/domain/survey.ts';
import { triggers } from '../../lambdas/domain/triggers.ts';
import { unseenPrimary } from '../../lambdas/domain/unseen-primary.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, receiver, world } from './observed.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
type Changes = Record<string, Partial<NodeInWorld>>;

const cluster = exampleCluster({
  policy: {
    whenNoStandby: 'degrade',
    failover: 'automatic',
    autoRejoin: true,
    rebuild: 'automatic',
    degradeMinutes: 60,
    minimumFreeMiB: 256,
  },
});
const now = new Date('2020-01-06T08:00:00.000Z');
const fromSlave01: Partial<NodeFacts> = {
  timeline: 2,
  walReceiver: receiver({ senderHost: '192.168.168.134', senderPort: 5432 }),
};
/** slave01 was promoted and cannot be asked; slave02 streams from it. */
const promoted: Changes = {
  [slave01]: { seen: 'timeout', streams: false },
  [slave02]: { streams: false, facts: fromSlave01 },
};
const stale = observe(cluster, world(cluster, { ...promoted, [master]: { facts: { replication: [] } } }));
const memory: CheckerMemory = { ...emptyMemory, setUp: true, primary: { node: slave01, startedAt: 'then' } };

/** The name of the error. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return 'none';
}

describe('while standbys receive from a node that cannot be asked', () => {
  it('that node is seen to be the primary', () => {
    const seen = survey(cluster, stale, memory, now);
    expect(unseenPrimary(seen, 1)?.node.name).toBe(slave01);
    expect(unseenPrimary(seen, 2)).toBeNull();
  });

  it('nobody lets the former primary commit without standbys, nor changes its rule', () => {
    const request = { minutes: 60, reason: 'night', execution: 'x' };
    const words = /^TwoPrimaries: .*pg_sync_slave02 receives a later one from pg_sync_slave01/;
    expect(refusal(() => planAllowAsync(cluster, stale, null, request, now))).toMatch(words);
    expect(refusal(() => planResumeSync(cluster, stale, null, { blockWrites: true }, now))).toMatch(words);
  });

  it('nothing starts by itself, and the former primary is not taken for the primary', () => {
    const seen = survey(cluster, stale, memory, now);
    expect(triggers(seen, assess(cluster, stale, memory, now))).toEqual([]);
    expect(remember(seen).primary?.node).toBe(slave01);
  });

  it.each<[string, Changes]>([
    [
      'the former primary is silent as well, and is what is remembered',
      { [master]: { seen: 'refused', streams: false } },
    ],
    ['the former primary answers', { [master]: { facts: { replication: [] } } }],
  ])('no failover deposes it: %s', (_, changes: Changes) => {
    const observation = observe(cluster, world(cluster, { ...promoted, ...changes }));
    const remembered = { ...memory, primary: { node: master, startedAt: 'then' } };
    const evidence = { observation, memory: remembered, allowance: null };
    expect(refusal(() => planFailover(cluster, evidence, { allowDataLoss: true, reason: 'night' }, now))).toMatch(
      /^PrimaryStateUnknown: pg_sync_slave02 still receives WAL from pg_sync_slave01/,
    );
  });
});
