import { describe, expect, it } from 'vitest';
import type { NodeFacts, NodeObservation, Observation, ReplicationRow } from '../../lambdas/contract/observation.ts';
import { lsnPosition } from '../../lambdas/domain/lsn.ts';
import { replicationTable, requireCaughtUp, requireStreaming } from '../../lambdas/domain/replication.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { facts, receiver, row } from './observed.ts';

const cluster = exampleCluster();

const answered = (node: string, overrides: Partial<NodeFacts>): NodeObservation => ({
  answered: true,
  node,
  facts: facts(overrides),
});
const standby = (node: string) => answered(node, { inRecovery: true, walReceiver: receiver() });

/** The cluster with these rows on its primary. */
function observed(...replication: ReplicationRow[]): Observation {
  return {
    nodes: [answered('pg_sync_master', { replication }), standby('pg_sync_slave01'), standby('pg_sync_slave02')],
  };
}

const slave01 = row('pg_sync_slave01', '192.168.168.134', 'sync');
const slave02 = row('pg_sync_slave02', '192.168.168.135', 'potential');

it('prints the table of the notes', () => {
  expect(replicationTable(cluster, facts({ replication: [slave02, slave01] }))).toEqual([
    ' usename | application_name |   client_addr   | sync_state',
    '---------+------------------+-----------------+------------',
    ' replica | pg_sync_slave01  | 192.168.168.134 | sync',
    ' replica | pg_sync_slave02  | 192.168.168.135 | potential',
    '(2 rows)',
  ]);
});

describe('streaming', () => {
  it('is satisfied when every standby streams', () => {
    expect(() => requireStreaming(cluster, 'pg_sync_master', observed(slave01, slave02))).not.toThrow();
  });

  it.each([
    [
      'has no walsender',
      observed(slave01),
      'StandbyNotStreaming',
      /pg_sync_slave02: .*no walsender.*WAL receiver is streaming/,
    ],
    ['catches up', observed(slave01, { ...slave02, state: 'catchup' }), 'StandbyCatchingUp', /its state is catchup/],
    [
      'is only being cloned',
      observed(slave01, { ...slave02, applicationName: 'base backup of pg_sync_slave02' }),
      'StandbyNotStreaming',
      /pg_sync_slave02/,
    ],
  ])('is missed when a standby %s', (_title, observation, name, message) => {
    expect(() => requireStreaming(cluster, 'pg_sync_master', observation)).toThrow(
      expect.objectContaining({ name, message: expect.stringMatching(message) }),
    );
  });

  it('cannot be judged when the primary does not answer', () => {
    const [, ...others] = observed(slave01).nodes;
    const silent: NodeObservation = {
      answered: false,
      node: 'pg_sync_master',
      failure: { kind: 'timeout', message: 'timeout expired' },
    };
    expect(() => requireStreaming(cluster, 'pg_sync_master', { nodes: [silent, ...others] })).toThrow(
      expect.objectContaining({ name: 'ClusterUnobservable' }),
    );
  });
});

describe('caught up', () => {
  it('needs the flush position, not the word sync', () => {
    const behind = { ...slave01, flushLsn: '0/4FFFFFF' };
    expect(() => requireCaughtUp(cluster, 'pg_sync_master', observed(behind, slave02), '0/5000000')).toThrow(
      expect.objectContaining({ name: 'StandbyNotCaughtUp' }),
    );
    expect(() => requireCaughtUp(cluster, 'pg_sync_master', observed(slave01, slave02), '0/5000000')).not.toThrow();
  });

  it('does not count a potential standby', () => {
    expect(() => requireCaughtUp(cluster, 'pg_sync_master', observed(slave02), '0/5000000')).toThrow(/0 of 1 required/);
  });

  it('counts quorum standbys for ANY', () => {
    const any2 = exampleCluster({ replication: { ...cluster.replication, method: 'ANY', count: 2 } });
    const quorum = [
      { ...slave01, syncState: 'quorum' },
      { ...slave02, syncState: 'quorum' },
    ];
    expect(() => requireCaughtUp(any2, 'pg_sync_master', observed(...quorum), '0/5000000')).not.toThrow();
  });
});

it('compares LSNs as numbers, not as text', () => {
  expect(lsnPosition('1/0') > lsnPosition('0/FFFFFFFF')).toBe(true);
  expect(lsnPosition('A/0') > lsnPosition('9/0')).toBe(true);
  expect(() => lsnPosition('nonsense')).toThrow(RangeError);
});
