/** When alerts are sent: debounce, flapping, maintenance, reminders, and the table that says it all. */
import { beforeEach, describe, expect, it } from 'vitest';
import { alertEventKinds } from '../../lambdas/contract/alerts.ts';
import { checkerStateSchema } from '../../lambdas/contract/health.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { type Phase, phases, type Situation, transitions } from '../../lambdas/domain/transition-table.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { managed, type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const down = { seen: 'refused', streams: false } as const;
const allDown = { [slave01]: down, [slave02]: down };
const drifted = { [slave02]: { facts: { settings: managed(cluster, { wal_log_hints: { setting: 'off' } }) } } };

type Changes = Record<string, Partial<NodeInWorld>>;

let checks: Checks;
beforeEach(() => {
  checks = Checks.ofHealthy(cluster);
});

const events = (changes: Changes, seconds?: number) =>
  checks.check(observe(cluster, world(cluster, changes)), seconds).events;
const kinds = (changes: Changes, seconds?: number) => events(changes, seconds).map(({ kind }) => kind);
/** Events of several checks in a row. */
const during = (count: number, changes: Changes) => Array.from({ length: count }, () => kinds(changes)).flat();

describe('the table', () => {
  const rows = (phase: Phase) => transitions.filter(({ from }) => from === phase);

  it.each(phases)('has an answer to everything while %s', (phase) => {
    // The last row of a phase holds always, and none is hidden behind another one of the same situation.
    expect(rows(phase).at(-1)?.when).toBe('quiet' satisfies Situation);
    const situations = rows(phase).map(({ when }) => when);
    expect(new Set(situations).size).toBe(situations.length);
  });

  it('lets maintenance silence every phase before anything else', () => {
    for (const phase of phases) expect(rows(phase)[0]).toMatchObject({ when: 'silenced', to: phase, event: null });
  });

  it('sends every kind of event, opens with one and closes with one', () => {
    expect(new Set(transitions.flatMap(({ event }) => event ?? []))).toEqual(new Set(alertEventKinds));
    for (const { from, to, event } of transitions) {
      expect(from === 'calm' && to === 'open').toBe(event === 'opened');
      expect(from === 'open' && to === 'calm').toBe(event === 'recovered');
    }
  });
});

it('an incident of a standby ends when that is removed from the cluster', () => {
  expect(kinds({ [slave02]: down })).toEqual(['opened']);
  const smaller = { ...cluster, nodes: cluster.nodes.filter(({ name }) => name !== slave02) };
  const after = new Checks(smaller);
  Object.assign(after, { state: checks.state, now: checks.now });
  const { events: last } = after.check(observe(smaller, world(smaller)));
  expect(last.map(({ kind }) => kind)).toEqual(['recovered']);
});

describe('debounce', () => {
  it('sends what is certain at once, also when the same check comes again', () => {
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    expect(kinds({ [slave01]: down }, 0)).toEqual([]);
  });

  it('waits for a second check before it sends what may pass', () => {
    expect(during(1, drifted)).toEqual([]);
    expect(during(3, drifted)).toEqual(['opened']);
  });

  it('does not count two checks of the same moment as two', () => {
    expect(during(1, drifted)).toEqual([]);
    for (let i = 0; i < 5; i++) expect(kinds(drifted, 0.2)).toEqual([]);
    expect(kinds(drifted, 10)).toEqual(['opened']);
  });

  it('starts anew when what was suspected has passed', () => {
    for (let i = 0; i < 10; i++) {
      expect(during(1, drifted)).toEqual([]);
      expect(during(1, {})).toEqual([]);
    }
    expect(checks.state).toMatchObject({ pending: {}, incident: null });
  });

  it('tells what is only suspected in an alert that is sent anyway, and not again', () => {
    const [opened] = events({ ...drifted, [slave01]: down });
    expect(opened?.findings.map(({ kind }) => kind)).toContain('ConfigurationDrift');
    expect(during(5, { ...drifted, [slave01]: down })).toEqual([]);
  });
});

describe('an incident', () => {
  it('is named after the cluster and its first alert', () => {
    expect(events({ [slave01]: down })[0]?.incident).toBe('pg-sync-20200106-070943');
  });

  it('keeps its name to its end', () => {
    const all = [events({ [slave01]: down }), events(allDown), events({ [slave01]: down }), events({})].flat();
    expect(all.map(({ kind }) => kind)).toEqual(['opened', 'worsened', 'improved', 'recovered']);
    expect(new Set(all.map(({ incident }) => incident)).size).toBe(1);
  });

  it('says how long it lasted, and how long of that writes were blocked', () => {
    events({ [slave01]: down });
    during(3, allDown);
    during(2, { [slave01]: down });
    expect(events({})[0]).toMatchObject({
      kind: 'recovered',
      durationSeconds: 60,
      writes: { stopped: false, stoppedSeconds: 30 },
      over: ['pg_sync_slave01 is down', 'pg_sync_slave02 is synchronous now'],
    });
  });

  it('tells again what went away and came back while something else stayed', () => {
    expect(during(2, drifted)).toEqual(['opened']);
    for (let i = 0; i < 2; i++) {
      expect(during(2, { ...drifted, [slave01]: down })).toEqual(['worsened']);
      expect(during(10, drifted)).toEqual([]);
    }
  });

  it('is told when a standby turns from unreachable to lost, and not for each step of its start', () => {
    const lost = { [master]: { facts: { slots: [{ name: slave01, active: true, retainedBytes: 0, walStatus: 'reserved' }, { name: slave02, active: false, retainedBytes: null, walStatus: 'lost' }] } } }; // biome-ignore format: one fact
    expect(kinds({ [slave02]: { seen: 'timeout', streams: false } })).toEqual(['opened']);
    expect(kinds({ ...lost, [slave02]: { seen: 'timeout', streams: false } })).toEqual(['worsened']);
    expect(during(3, { ...lost, [slave02]: { seen: 'starting-up', streams: false } })).toEqual([]);
    expect(during(3, { ...lost, [slave02]: { streams: false } })).toEqual([]);
    expect(kinds({})).toEqual(['recovered']);
  });

  it('goes on while the cluster cannot be seen', () => {
    const unseen = Object.fromEntries(
      cluster.nodes.map(({ name }) => [name, { seen: 'timeout', streams: false } as const]),
    );
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    expect(during(5, unseen)).toEqual(['worsened']);
    expect(kinds({ [slave01]: down })).toEqual(['improved']);
    expect(kinds({})).toEqual(['recovered']);
  });
});

describe('what comes and goes', () => {
  it('is over at once the first time, and after ever longer calm when it has come back', () => {
    const calmChecks = Array.from({ length: 7 }, () => {
      events({ [slave01]: down });
      for (let count = 1; ; count++) if (kinds({}).includes('recovered')) return count;
    });
    expect(calmChecks).toEqual([1, 2, 3, 5, 9, 17, 31]);
  });

  it('is a handful of mails in an hour, not one every few seconds', () => {
    let sent = 0;
    for (let i = 0; i < 180; i++) sent += [...events({ [slave01]: down }), ...events({})].length;
    expect(sent).toBe(3);
    sent = 0;
    for (let i = 0; i < 60; i++) sent += [...during(3, { [slave01]: down }), ...during(3, {})].length;
    expect(sent).toBeLessThan(8);
  });

  it('is forgotten after half an hour of calm', () => {
    for (let i = 0; i < 3; i++) {
      expect(kinds({ [slave01]: down })).toEqual(['opened']);
      expect(kinds({})).toEqual(['recovered']);
      expect(during(181, {})).toEqual([]);
    }
  });
});

describe('reminders', () => {
  const checksPerHour = 360;
  it('come at their interval while something is wrong, and not when it is over', () => {
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    expect(during(3 * checksPerHour, { [slave01]: down })).toEqual(['reminder', 'reminder', 'reminder']);
    expect(kinds({})).toEqual(['recovered']);
    expect(during(2 * checksPerHour, {})).toEqual([]);
  });

  it('count from the last alert of any kind', () => {
    events({ [slave01]: down });
    during(checksPerHour / 2, { [slave01]: down });
    expect(kinds(allDown)).toEqual(['worsened']);
    expect(during(checksPerHour - 1, allDown)).toEqual([]);
    expect(during(1, allDown)).toEqual(['reminder']);
  });

  it('do not come for a cluster that was never set up: one alert, after two minutes', () => {
    checks = new Checks(cluster);
    const nothing = { [master]: down, ...allDown };
    expect(during(12, nothing)).toEqual([]);
    expect(during(1, nothing)).toEqual(['opened']);
    expect(during(10 * checksPerHour, nothing)).toEqual([]);
    expect(kinds({})).toEqual(['recovered']);
  });

  it('a cluster that is set up in time causes none', () => {
    checks = new Checks(cluster);
    expect(during(3, { [master]: down, ...allDown })).toEqual([]);
    expect(during(3, { [master]: { facts: { synchronousStandbyNames: '' } }, ...allDown })).toEqual([]);
    expect(during(10, {})).toEqual([]);
  });
});

describe('maintenance', () => {
  const maintain = (seconds: number) => {
    const until = new Date(checks.now.getTime() + seconds * 1000).toISOString();
    checks.state = { ...checks.state, maintenance: { until, reason: 'new kernel' } };
  };

  it('keeps silent, and then reports what is still wrong', () => {
    maintain(95);
    expect(during(9, allDown)).toEqual([]);
    expect(events({ [slave01]: down })).toMatchObject([
      { kind: 'opened', status: 'degraded', maintenance: { reason: 'new kernel' }, durationSeconds: 90 },
    ]);
    expect(checks.state.maintenance).toBeNull();
    expect(kinds({})).toEqual(['recovered']);
  });

  it('says nothing about what came and went', () => {
    maintain(95);
    expect([...during(3, allDown), ...during(3, {}), ...during(3, drifted), ...during(10, {})]).toEqual([]);
    expect(checks.state).toMatchObject({ incident: null, maintenance: null, pending: {} });
  });

  it('in the middle of an incident: reminds of what is still wrong when it ends', () => {
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    maintain(95);
    expect([...during(4, {}), ...during(5, { [slave01]: down })]).toEqual([]);
    expect(during(3, { [slave01]: down })).toEqual(['reminder']);
  });

  it('in the middle of an incident: tells at its end that all is well, and since when', () => {
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    maintain(95);
    expect(during(9, {})).toEqual([]);
    expect(events({})).toMatchObject([{ kind: 'recovered', durationSeconds: 10 }]);
  });

  it('stores nothing while a healthy cluster is maintained', () => {
    maintain(95);
    const before = checks.state;
    during(9, {});
    expect(checks.state).toBe(before);
  });
});

describe('repeated, late and concurrent checks', () => {
  const seen = (changes: Changes) => observe(cluster, world(cluster, changes));

  it('a check older than the state changes nothing', () => {
    events({ [slave01]: down });
    const { state } = checks;
    const late = new Date(checks.now.getTime() - 1);
    const health = assess(cluster, seen({}), state.memory, late);
    expect(advance(cluster, state, health, late)).toEqual({ state, events: [] });
  });

  it('a state from a far future stops no check: it was not written by one', () => {
    const ahead = { ...checks.state, updatedAt: new Date(checks.now.getTime() + 100 * 24 * 3_600_000).toISOString() };
    checks.state = ahead;
    expect(kinds({ [slave01]: down })).toEqual(['opened']);
    expect(checks.state.updatedAt).toBe(checks.now.toISOString());
  });

  it('the same check again changes nothing', () => {
    events(allDown);
    const { state, now } = checks;
    const health = assess(cluster, seen(allDown), state.memory, now);
    const again = advance(cluster, state, health, now);
    expect(again.events).toEqual([]);
    expect(again.state).toBe(state);
  });

  it('a clock that stands before the epoch of everything starts calmly', () => {
    const health = assess(cluster, seen({}), initialState().memory, new Date(0));
    expect(advance(cluster, initialState(), health, new Date(0)).events).toEqual([]);
  });
});

it('reads back its state from the store', () => {
  during(2, drifted);
  during(2, { ...drifted, ...allDown });
  expect(checkerStateSchema.parse(JSON.parse(JSON.stringify(checks.state)))).toEqual(checks.state);
  expect(checkerStateSchema.parse(initialState())).toEqual(initialState());
});
