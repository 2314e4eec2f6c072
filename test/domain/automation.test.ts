/** What the checker starts by itself: from which sights, after how long, how often, and from which never. */
import { describe, expect, it } from 'vitest';
import type { Allowance, AllowanceOnRecord } from '../../lambdas/contract/allowance.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { automate, type Start, withAttempt } from '../../lambdas/domain/automation.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { withMaintenance } from '../../lambdas/domain/maintenance.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const everything: Partial<Cluster['policy']> = { failover: 'automatic', autoRejoin: true, whenNoStandby: 'degrade' };
const automatic = (policy = everything) =>
  exampleCluster({ policy: { ...exampleCluster().policy, degradeMinutes: 30, ...policy } });

type Changes = Record<string, Partial<NodeInWorld>>;
const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const gone: Partial<NodeInWorld> = { seen: 'timeout', streams: false };
const cutOff: Partial<NodeInWorld> = { streams: false };
const primaryDown: Changes = { [master]: refused, [slave01]: cutOff, [slave02]: cutOff };
const noStandby: Changes = { [slave01]: refused, [slave02]: refused };
const noRule: Partial<NodeInWorld> = { facts: { synchronousStandbyNames: '' } };

/** A checker that starts what is due, at once. */
class Watch {
  readonly cluster: Cluster;
  now = new Date('2020-01-06T07:00:00.000Z');
  state = initialState();
  allowance: AllowanceOnRecord = null;
  operation: { owner: string; runbook: string; since: string } | null = null;

  constructor(cluster = automatic()) {
    this.cluster = cluster;
    this.check({});
  }

  /** One check, `seconds` after the last one; what it starts. */
  check(changes: Changes, seconds = 10): Start | null {
    this.now = new Date(this.now.getTime() + seconds * 1000);
    const { cluster, now, allowance, operation } = this;
    const observation = observe(cluster, world(cluster, changes));
    const health = assess(cluster, observation, this.state.memory, now, allowance);
    const told = advance(cluster, this.state, health, now, operation).state;
    const { state, start } = automate(cluster, observation, told, { allowance, operation, now });
    this.state = start === null || start.recorded ? state : withAttempt(state, start, now);
    return start;
  }

  /** Several checks of the same world; by the time in seconds: what each started. */
  during(count: number, changes: Changes, seconds = 10): [number, string][] {
    const begin = this.now.getTime();
    return Array.from({ length: count }, () => this.check(changes, seconds)).flatMap((start, index) =>
      start === null || start.recorded
        ? []
        : [[(index + 1) * seconds, start.runbook] as [number, string]].filter(() => begin > 0),
    );
  }
}

const allowanceOf = (changes: Partial<Allowance> = {}): Allowance => ({
  primary: master,
  since: '2020-01-06T07:00:00.000Z',
  until: '2020-01-06T08:00:00.000Z',
  lsn: '0/4000000',
  reason: 'disks',
  execution: 'arn',
  automatic: false,
  ...changes,
});

describe('failover', () => {
  it('is due with the first sight of a primary that is down, if two further looks agree', () => {
    expect(new Watch().check(primaryDown)).toMatchObject({
      runbook: 'failover',
      input: {},
      confirmed: true,
      name: 'auto-failover-pg_sync_master-20200106070020-1',
    });
  });

  it('is due when the host is gone and no standby receives from it', () => {
    expect(new Watch().check({ ...primaryDown, [master]: gone })?.runbook).toBe('failover');
  });

  it.each<[string, Changes]>([
    ['a standby still receives from it', { [master]: gone, [slave01]: cutOff }],
    ['it refuses the password', { ...primaryDown, [master]: { seen: 'authentication', streams: false } }],
    ['no node answers', { [master]: gone, [slave01]: gone, [slave02]: gone }],
    [
      'it is another node than the one that was known',
      { [master]: { role: 'standby', streams: false }, [slave01]: gone, [slave02]: cutOff },
    ],
    [
      'every node is a standby',
      { [master]: { role: 'standby', streams: false }, [slave01]: cutOff, [slave02]: cutOff },
    ],
    ['two nodes accept writes', { [slave01]: { role: 'primary', streams: false } }],
  ])('is never started when %s', (_when, changes) => {
    expect(new Watch(automatic({ failover: 'automatic' })).during(20, changes)).toEqual([]);
  });

  it('leaves a primary alone that starts, for a minute', () => {
    const starting: Changes = { ...primaryDown, [master]: { seen: 'starting-up', streams: false } };
    expect(new Watch().during(8, starting)).toEqual([[70, 'failover']]);
  });

  it('gives up nothing that may be on the primary only', () => {
    const watch = new Watch(automatic({ failover: 'automatic' }));
    watch.allowance = allowanceOf();
    watch.check({ ...noStandby, [master]: noRule });
    expect(watch.during(10, { ...primaryDown, [slave01]: cutOff })).toEqual([]);
  });

  it('gives up nothing where an allowance, or what was remembered, cannot be read', () => {
    const watch = new Watch(automatic({ failover: 'automatic' }));
    watch.allowance = 'unreadable';
    expect(watch.during(10, primaryDown)).toEqual([]);
    const [other, unread] = [new Watch(automatic({ failover: 'automatic' })), ['memory.waiting']];
    other.state = {
      ...other.state,
      memory: { ...other.state.memory, unread: { parts: unread, node: null, lsn: null } },
    };
    expect(other.during(10, primaryDown)).toEqual([]);
    // As soon as standbys hold all that the primary has, nothing can be on it alone.
    expect(other.during(1, {})).toEqual([]);
    expect(other.check(primaryDown)).toMatchObject({ runbook: 'failover' });
  });

  it('is tried three times, after growing pauses', () => {
    expect(new Watch().during(100, primaryDown)).toEqual([
      [10, 'failover'],
      [70, 'failover'],
      [370, 'failover'],
    ]);
  });
});

describe('rejoin', () => {
  it('is due when a standby has refused connections for a while', () => {
    const watch = new Watch();
    expect(watch.during(4, { [slave02]: refused })).toEqual([[30, 'rejoin']]);
    expect(new Watch().check({ [slave02]: refused })).toBeNull();
  });

  it('is about one node at a time, the first first', () => {
    const watch = new Watch(automatic({ autoRejoin: true }));
    expect(watch.during(6, noStandby)).toEqual([
      [30, 'rejoin'],
      [60, 'rejoin'],
    ]);
    expect(Object.keys(watch.state.automation.attempts)).toEqual([`rejoin:${slave01}`, `rejoin:${slave02}`]);
  });

  it.each<[string, Changes]>([
    ['its host does not answer', { [slave02]: gone }],
    ['its connection was reset', { [slave02]: { seen: 'reset', streams: false } }],
    ['it refuses the password', { [slave02]: { seen: 'authentication', streams: false } }],
    ['it catches up', { [slave02]: { row: { state: 'catchup' } } }],
    ['only the observer does not reach it', { [slave02]: { seen: 'refused' } }],
    ['it holds another database', { [slave02]: { ...cutOff, facts: { systemIdentifier: '1' } } }],
    ['the primary is down too', { ...primaryDown, [slave02]: refused }],
    ['no primary is found', { [master]: gone, [slave01]: gone, [slave02]: refused }],
  ])('is never started when %s', (_when, changes) => {
    expect(new Watch(automatic({ autoRejoin: true })).during(40, changes)).toEqual([]);
  });

  it('gives a standby that recovers from a crash five minutes', () => {
    const recovering: Changes = { [slave02]: { seen: 'starting-up', streams: false } };
    expect(new Watch().during(40, recovering)).toEqual([[310, 'rejoin']]);
  });

  it('of a standby that runs on another timeline', () => {
    expect(new Watch().during(4, { [slave02]: { ...cutOff, facts: { timeline: 2 } } })).toEqual([[30, 'rejoin']]);
  });

  it('is tried three times, after growing pauses, however long the trouble lasts', () => {
    expect(new Watch().during(600, { [slave02]: refused })).toEqual([
      [30, 'rejoin'],
      [150, 'rejoin'],
      [750, 'rejoin'],
    ]);
  });

  it('counts attempts until the cluster has been well for half an hour', () => {
    const watch = new Watch();
    watch.during(200, { [slave02]: refused });
    watch.during(170, {});
    expect(watch.during(20, { [slave02]: refused })).toEqual([]);
    watch.during(220, {});
    expect(watch.state.automation).toEqual({ seen: {}, attempts: {} });
    expect(watch.during(4, { [slave02]: refused })).toEqual([[30, 'rejoin']]);
  });

  it('waits for a runbook that runs, and for a while after it', () => {
    const watch = new Watch();
    watch.operation = { owner: 'arn', runbook: 'setup', since: watch.now.toISOString() };
    expect(watch.during(10, { [slave02]: refused })).toEqual([]);
    watch.operation = null;
    expect(watch.during(4, { [slave02]: refused })).toEqual([[30, 'rejoin']]);
  });

  describe('of a former primary that has come back', () => {
    const followed: Partial<NodeInWorld> = { role: 'primary', streams: false, facts: { timeline: 2 } };
    /** The world helper lets standbys follow the first primary, so the former one is listed second. */
    const cluster = () => {
      const made = automatic({ autoRejoin: true });
      const [first, second, third] = made.nodes;
      if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes');
      return { ...made, nodes: [second, first, third] };
    };
    const stale: Partial<NodeInWorld> = { role: 'primary', streams: false };
    const back: Changes = { [slave01]: followed, [master]: stale };

    it('is due at once: it is stale for certain, and applications wait there', () => {
      expect(new Watch(cluster()).during(3, back)).toEqual([[10, 'rejoin']]);
    });

    it.each<[string, Changes]>([
      ['nobody follows the other', { ...back, [slave02]: cutOff }],
      ['timelines do not tell', { ...back, [slave01]: { ...followed, facts: {} } }],
      ['its own commits needed no standby', { ...back, [master]: { ...stale, ...noRule } }],
      ['it is another database', { ...back, [master]: { ...stale, facts: { systemIdentifier: '1' } } }],
      ['there are three', { ...back, [slave02]: { ...stale, facts: { timeline: 3 } } }],
    ])('is left to a person when %s', (_when, changes) => {
      expect(new Watch(cluster()).during(20, changes)).toEqual([]);
    });
  });
});

describe('the end of an allowance', () => {
  const suspended: Changes = { ...noStandby, [master]: noRule };
  const oneBack: Changes = { [slave01]: refused, [master]: noRule };
  const watching = (changes: Partial<Allowance> = {}, policy: Partial<Cluster['policy']> = {}) => {
    const watch = new Watch(automatic({ failover: 'manual', autoRejoin: false, whenNoStandby: 'block', ...policy }));
    watch.allowance = allowanceOf(changes);
    return watch;
  };

  it('is not before its time while no standby has caught up', () => {
    expect(watching().during(100, suspended)).toEqual([]);
  });

  it('comes as soon as a standby has caught up in two checks, whatever the policy', () => {
    const watch = watching();
    expect(watch.during(2, oneBack)).toEqual([[20, 'resume-sync']]);
    expect(watching().during(10, { ...oneBack, [slave02]: { row: { state: 'catchup' } } })).toEqual([]);
  });

  it('comes with its time', () => {
    expect(watching({ until: '2020-01-06T07:01:00.000Z' }).during(6, suspended)).toEqual([[50, 'resume-sync']]);
  });

  it('is tried again and again: it is a promise', () => {
    const tries = watching({ until: '2020-01-06T07:00:00.000Z' }).during(400, suspended);
    expect(tries.length).toBeGreaterThan(6);
    expect(tries.length).toBeLessThanOrEqual(20);
  });

  it('removes what is on record when the rule is back for another reason', () => {
    const watch = watching();
    expect(watch.during(2, {})).toEqual([[20, 'resume-sync']]);
  });

  it('of which the time cannot be read comes when a standby has caught up, and not before', () => {
    const watch = watching();
    watch.allowance = 'unreadable';
    expect(watch.during(100, suspended)).toEqual([]);
    expect(watch.during(2, oneBack)).toEqual([[20, 'resume-sync']]);
  });

  it('waits for a primary that can be asked', () => {
    expect(watching({ until: '2020-01-06T07:00:00.000Z' }).during(10, primaryDown)).toEqual([]);
  });
});

describe('degrading', () => {
  const policy: Partial<Cluster['policy']> = { failover: 'manual', autoRejoin: false, whenNoStandby: 'degrade' };

  it('lets writes go on for the configured time when standbys have been missing for a while', () => {
    const watch = new Watch(automatic(policy));
    expect(watch.during(2, noStandby)).toEqual([]);
    expect(watch.check(noStandby)).toMatchObject({
      runbook: 'allow-async',
      input: { minutes: 30, reason: 'policy whenNoStandby: degrade' },
      name: expect.stringMatching(/^auto-allow-async-\d{14}-1$/),
    });
  });

  it('is not for standbys that hang: PostgreSQL itself drops them', () => {
    const waiting = { facts: { blockedSessions: { count: 1, oldestSeconds: 30, transactions: ['a'] } } };
    const watch = new Watch(automatic(policy));
    expect(watch.during(10, { [master]: waiting, [slave01]: { row: { replyAgeSeconds: 8 } } })).toEqual([]);
  });

  it('happens once in an incident: when its time is over, writes wait', () => {
    const watch = new Watch(automatic(policy));
    watch.during(3, noStandby);
    watch.allowance = allowanceOf({ automatic: true, until: new Date(watch.now.getTime() + 3_600_000).toISOString() });
    watch.during(3, { ...noStandby, [master]: noRule });
    watch.allowance = null;
    expect(watch.during(400, noStandby)).toEqual([]);
  });
});

it('manual policies start nothing, whatever happens', () => {
  const manual = automatic({ failover: 'manual', autoRejoin: false, whenNoStandby: 'block' });
  for (const changes of [primaryDown, noStandby, { [slave01]: refused }, { [slave02]: cutOff }])
    expect(new Watch(manual).during(30, changes)).toEqual([]);
});

it('nothing is started while it cannot be read whether it may be, until somebody starts maintenance', () => {
  const watch = new Watch(automatic({ failover: 'automatic', autoRejoin: true, whenNoStandby: 'degrade' }));
  watch.state = { ...watch.state, memory: { ...watch.state.memory, held: ['maintenance'] } };
  expect(watch.during(30, primaryDown)).toEqual([]);
  watch.state = withMaintenance(watch.state, { minutes: 0 }, watch.now);
  expect(watch.check(primaryDown)).toMatchObject({ runbook: 'failover' });
});

it('maintenance keeps everything from being started', () => {
  for (const changes of [primaryDown, noStandby]) {
    const watch = new Watch();
    watch.state = {
      ...watch.state,
      maintenance: { until: new Date(watch.now.getTime() + 100_000).toISOString(), reason: 'disks' },
    };
    expect(watch.during(9, changes)).toEqual([]);
    expect(watch.during(3, changes)).toHaveLength(1);
  }
});

it('an attempt on record is made once more under its name, for a function that may have died', () => {
  const watch = new Watch();
  const first = watch.check(primaryDown);
  expect(watch.check(primaryDown, 5)).toMatchObject({ name: first?.name, recorded: true });
  expect(watch.check(primaryDown, 30)).toBeNull();
});

it('a check older than the state decides nothing', () => {
  const watch = new Watch();
  const { state } = watch;
  watch.state = { ...state, updatedAt: new Date(watch.now.getTime() + 60_000).toISOString() };
  expect(watch.check(primaryDown)).toBeNull();
});

it('names of executions fit, however long the nodes’ names are', () => {
  const long = `a${'b'.repeat(62)}`;
  const made = automatic();
  const nodes = made.nodes.map((node) => (node.name === master ? { ...node, name: long } : node));
  const watch = new Watch({ ...made, nodes });
  const start = watch.check({ [long]: refused, [slave01]: cutOff, [slave02]: cutOff });
  expect(start?.name).toMatch(/^[\w.-]{1,80}$/);
});
