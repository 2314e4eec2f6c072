/** The notes' incidents as observations: exactly the events that an operator wants, in order, and no others. */
import { beforeEach, describe, expect, it } from 'vitest';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const down = { seen: 'refused', streams: false } as const;

let checks: Checks;
beforeEach(() => {
  checks = Checks.ofHealthy(cluster);
});

/** Events of one check, as `kind severity: titles`. */
function check(changes: Record<string, Partial<NodeInWorld>>, seconds?: number): string[] {
  const { events } = checks.check(observe(cluster, world(cluster, changes)), seconds);
  return events.map(({ kind, severity, findings }) =>
    [`${kind} ${severity}`, ...findings.map(({ title }) => title)].join(', '),
  );
}

const blocked = (count: number, oldestSeconds: number) => ({
  facts: { blockedSessions: { count, oldestSeconds, transactions: ['1', '2', '3'].slice(0, count) } },
});

it('S6: a healthy cluster sends nothing and stores nothing', () => {
  const before = checks.state;
  for (let i = 0; i < 60; i++) expect(check({})).toEqual([]);
  expect(checks.state).toBe(before);
});

it('S7, S8: the synchronous standby stops and comes back', () => {
  expect(check({ [slave01]: down })).toEqual([
    'opened warning, pg_sync_slave01 is down, pg_sync_slave02 is synchronous now',
  ]);
  for (let i = 0; i < 60; i++) expect(check({ [slave01]: down })).toEqual([]);
  expect(check({ [slave01]: { seen: 'starting-up', streams: false } })).toEqual([]);
  expect(check({})).toEqual(['recovered info']);
  for (let i = 0; i < 60; i++) expect(check({})).toEqual([]);
});

describe('S9: the primary stops and starts again', () => {
  const stopped = { [master]: down, [slave01]: { streams: false }, [slave02]: { streams: false } };
  it('is one alert and one recovery notice', () => {
    expect(check(stopped)).toEqual(['opened critical, primary pg_sync_master is down']);
    for (let i = 0; i < 60; i++) expect(check(stopped)).toEqual([]);
    expect(check({})).toEqual(['recovered info']);
  });

  it('also if the standbys are seen while they reconnect', () => {
    check(stopped);
    const restarted = { facts: { startedAt: '2020-01-06T07:16:26' } };
    expect(check({ [master]: restarted, [slave01]: { streams: false }, [slave02]: { streams: false } })).toEqual([]);
    expect(check({ [master]: restarted, [slave01]: { streams: false } }, 1)).toEqual([]);
    expect(check({ [master]: restarted })).toEqual(['recovered info']);
  });
});

it('S10: all standbys stop, writes block, any one standby unblocks them', () => {
  expect(check({ [slave01]: down, [slave02]: down, [master]: blocked(1, 4) })).toEqual([
    'opened critical, writes blocked, no synchronous standby, pg_sync_slave01 is down, pg_sync_slave02 is down',
  ]);
  for (let i = 0; i < 6; i++) {
    expect(check({ [slave01]: down, [slave02]: down, [master]: blocked(3, 14 + 10 * i) })).toEqual([]);
  }
  expect(check({ [slave01]: down })).toEqual([
    'improved warning, pg_sync_slave01 is down, pg_sync_slave02 is synchronous now',
  ]);
  expect(check({ [slave01]: down })).toEqual([]);
  const { events } = checks.check(observe(cluster, world(cluster)));
  expect(events).toMatchObject([
    { kind: 'recovered', durationSeconds: 90, writes: { stopped: false, stoppedSeconds: 74 } },
  ]);
});

it('S10, one after the other: the incident worsens', () => {
  expect(check({ [slave01]: down })).toHaveLength(1);
  expect(check({ [slave01]: down, [slave02]: down })).toEqual([
    'worsened critical, writes blocked, no synchronous standby, pg_sync_slave01 is down, pg_sync_slave02 is down',
  ]);
});
