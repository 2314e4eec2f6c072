/** When the primary may be changed, and to whom. */
import { describe, expect, it } from 'vitest';
import type { CheckerMemory } from '../../lambdas/contract/health.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { planSwitchover } from '../../lambdas/domain/switchover-plan.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const known: CheckerMemory = {
  ...emptyMemory,
  setUp: true,
  primary: { node: master, startedAt: '2020-01-06T07:00:00.123456' },
};
const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const cutOff: Partial<NodeInWorld> = { streams: false };

type Changes = Record<string, Partial<NodeInWorld>>;
const plan = (changes: Changes, to = slave01) =>
  planSwitchover(cluster, observe(cluster, world(cluster, changes)), known, to, new Date('2020-01-06T07:20:00Z'));

describe('a switchover', () => {
  it('stops the primary and has all others follow; the stopped one is made a standby first', () => {
    expect(plan({})).toEqual({
      mode: 'switch',
      from: master,
      to: slave01,
      standbyNames: 'FIRST 1 ("pg_sync_master","pg_sync_slave02")',
      followers: [
        { node: master, stopped: true },
        { node: slave02, stopped: false },
      ],
    });
  });

  it('may be to a standby of the second choice: it gets all WAL when the primary stops', () => {
    expect(plan({}, slave02)).toMatchObject({ mode: 'switch', to: slave02 });
  });

  it('goes on where an earlier run was stopped: before the promotion and after it', () => {
    expect(plan({ [master]: refused, [slave01]: cutOff, [slave02]: cutOff })).toMatchObject({
      mode: 'switch',
      from: master,
    });
    const promoted: Changes = { [master]: refused, [slave01]: { role: 'primary' }, [slave02]: cutOff };
    expect(plan(promoted)).toMatchObject({
      mode: 'finish',
      followers: [
        { node: master, stopped: true },
        { node: slave02, stopped: true },
      ],
    });
  });

  const behind = { row: { flushLagBytes: 20_000_000, replayLagBytes: 20_000_000 } };
  it.each<[string, Changes, string, string]>([
    ['the node is the primary', {}, master, 'SwitchoverToPrimary'],
    [
      'the node is not in the rule',
      { [slave01]: { row: { syncState: 'async', syncPriority: 0 } } },
      slave01,
      'StandbyNotSynchronous',
    ],
    ['the node does not stream', { [slave01]: cutOff }, slave01, 'StandbyNotSynchronous'],
    ['the node is still catching up', { [slave01]: { row: { state: 'catchup' } } }, slave01, 'StandbyNotSynchronous'],
    ['the node lags', { [slave01]: behind }, slave01, 'StandbyLagging'],
    ['another standby is down', { [slave02]: refused }, slave01, 'ClusterNotHealthy'],
    ['commits wait for nobody', { [master]: { facts: { synchronousCommit: 'local' } } }, slave01, 'ClusterNotHealthy'],
    [
      'the primary is silent',
      { [master]: { seen: 'timeout', streams: false }, [slave01]: cutOff },
      slave01,
      'ClusterNotHealthy',
    ],
    ['two nodes accept writes', { [slave02]: { role: 'primary' } }, slave01, 'TwoPrimaries'],
  ])('is refused when %s', (_, changes, to, error) => {
    expect(() => plan(changes, to)).toThrow(expect.objectContaining({ name: error }));
    expect(() => plan(changes, to)).toThrow(/Nothing was changed/);
  });
});
