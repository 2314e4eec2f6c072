/** When a failover goes on, whom it promotes, and what it refuses. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AllowanceOnRecord } from '../../lambdas/contract/allowance.ts';
import type { CheckerMemory } from '../../lambdas/contract/health.ts';
import type { CommitRule, Detached, FailoverPlan, Fence } from '../../lambdas/contract/promotions.ts';
import { whyCommitsMayBeMissing } from '../../lambdas/domain/acknowledged-commits.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { chooseCandidate, requireAllCommits } from '../../lambdas/domain/failover-choice.ts';
import { planFailover } from '../../lambdas/domain/failover-plan.ts';
import { instanceWarnings, planFencing, refuseToStopMember } from '../../lambdas/domain/fencing.ts';
import { lsnText } from '../../lambdas/domain/lsn.ts';
import { renderSynchronousStandbyNames } from '../../lambdas/domain/synchronous-standby-names.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, receiver, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const now = new Date('2020-01-06T07:20:00Z');
const rule: CommitRule = {
  node: master,
  standbyNames: 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")',
  commitLevel: 'on',
  standbys: [slave01],
  since: '2020-01-06T07:00:00.000Z',
};
const known: CheckerMemory = {
  ...emptyMemory,
  setUp: true,
  primary: { node: master, startedAt: '2020-01-06T07:00:00.123456' },
  synchronous: rule,
};

type Changes = Record<string, Partial<NodeInWorld>>;
const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const cutOff: Partial<NodeInWorld> = { streams: false };
const down: Changes = { [master]: refused, [slave01]: cutOff, [slave02]: cutOff };
const request = { allowDataLoss: false, reason: '' };

const plan = (changes: Changes, memory = known, allowance: AllowanceOnRecord = null) =>
  planFailover(cluster, { observation: observe(cluster, world(cluster, changes)), memory, allowance }, request, now);
const override = (input: object) => `start ${JSON.stringify(input)}`;

/** The name of the error. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
  return 'none';
}

describe('a failover is planned', () => {
  it('when nobody reaches the primary and its standbys receive nothing', () => {
    expect(plan(down)).toMatchObject({
      formerPrimary: master,
      fence: true,
      promoted: null,
      detach: [
        { node: slave01, standbyNames: 'FIRST 1 ("pg_sync_master","pg_sync_slave02")' },
        { node: slave02, standbyNames: 'FIRST 1 ("pg_sync_master","pg_sync_slave01")' },
      ],
      risk: null,
    });
  });

  it('when every node answers as a standby: there is nothing to fence', () => {
    expect(plan({ [master]: { role: 'standby', streams: false }, [slave01]: cutOff, [slave02]: cutOff })).toMatchObject(
      {
        formerPrimary: null,
        fence: false,
      },
    );
  });

  it.each([
    ['the primary answers', {}, 'PrimaryIsHealthy'],
    ['it answers and its standbys are down', { [slave01]: refused, [slave02]: refused }, 'PrimaryIsHealthy'],
    ['only the observer cannot reach it', { [master]: { seen: 'timeout' as const } }, 'PrimaryStateUnknown'],
    [
      'it refuses the observer',
      { ...down, [master]: { seen: 'authentication' as const, streams: false } },
      'PrimaryStateUnknown',
    ],
    ['no node answers', { [master]: refused, [slave01]: refused, [slave02]: refused }, 'PrimaryStateUnknown'],
    [
      'standbys hold different databases',
      { ...down, [slave02]: { streams: false, facts: { systemIdentifier: '1' } } },
      'ForeignData',
    ],
    ['two nodes on one timeline accept writes', { [slave01]: { role: 'primary' as const } }, 'TwoPrimaries'],
  ])('not when %s', (_, changes: Changes, error) => {
    expect(refusal(() => plan(changes))).toBe(error);
  });

  it('not while a standby still receives, although the host is silent', () => {
    const receives = {
      streams: false,
      facts: { walReceiver: receiver({ senderHost: '192.168.168.133', senderPort: 5432 }) },
    };
    expect(refusal(() => plan({ ...down, [slave01]: receives }))).toBe('PrimaryStateUnknown');
  });

  it('and goes on with one that was stopped on its way', () => {
    const changes: Changes = {
      [master]: refused,
      [slave01]: { role: 'primary', facts: { timeline: 2 } },
      [slave02]: cutOff,
    };
    expect(plan(changes)).toMatchObject({ promoted: slave01, follow: [slave02], fence: false, detach: [] });
    const both: Changes = { ...changes, [master]: { facts: { replication: [] } } };
    expect(plan(both)).toMatchObject({ promoted: slave01, formerPrimary: master, fence: true });
  });

  it('tells of commits that are on the primary alone', () => {
    const alone = { node: master, lsn: '0/4000000', since: now.toISOString() };
    expect(plan(down, { ...known, suspension: alone }).risk).toContain('allowed to return without a standby');
    expect(plan(down, { ...known, durabilityRisk: { ...alone, cause: 'restart' } }).risk).toContain('restarted');
    // On record before any check has seen what it let go.
    const allowance = {
      ...alone,
      primary: master,
      until: alone.since,
      reason: 'night',
      execution: 'x',
      automatic: false,
    };
    expect(plan(down, known, allowance).risk).toContain('allowed to return without a standby');
    expect(plan(down, known, { ...allowance, primary: slave01 }).risk).toBeNull();
  });

  it.each<[string, CheckerMemory, AllowanceOnRecord, RegExp]>([
    ['allowance', known, 'unreadable', /allowance .* cannot be read.*resume-sync/],
    [
      'memory',
      { ...known, unread: { parts: ['memory.suspension'], node: null, lsn: null } },
      null,
      /memory.suspension/,
    ],
  ])(
    'takes an unreadable %s for a risk: it refuses, and goes on where loss is allowed',
    (_, memory, allowance, words) => {
      const { risk, ...rest } = plan(down, memory, allowance);
      expect(risk).toMatch(words);
      const go = (allowDataLoss: boolean) =>
        requireAllCommits({ ...rest, risk, allowDataLoss }, [slave01, slave02], null, override);
      expect(refusal(() => go(false))).toBe('DataLossPossible');
      expect(go(true)).toEqual([expect.stringContaining('which was allowed')]);
    },
  );
});

describe('a former primary is fenced', () => {
  it.each([
    ['running', true, 'host'],
    [null, true, 'host'],
    ['running', false, 'instance'],
    ['running', null, 'instance'],
    ['stopping', true, 'instance'],
    ['stopped', false, 'instance'],
  ])('EC2 says %s, agent online %s: by its %s', (state, agentOnline, method) => {
    expect(planFencing({ instanceId: 'i-1', state, agentOnline }).method).toBe(method);
  });

  describe('by its instance, unless that would not outlast it', () => {
    const [first] = cluster.nodes;
    if (first === undefined) throw new Error('no node');
    const ordinary = {
      instanceId: first.instanceId,
      state: 'running',
      autoScalingGroup: null,
      spot: false,
      rootInInstanceStore: false,
    };

    it('as a member of an Auto Scaling group, which replaces what stops', () => {
      expect(() => refuseToStopMember(cluster, first, { ...ordinary, autoScalingGroup: "it's ours" })).toThrow(
        /terminate and replace it[\s\S]*--auto-scaling-group-name 'it'\\''s ours' --should-decrement-desired-capacity/,
      );
      expect(refuseToStopMember(cluster, first, { ...ordinary, spot: true })).toBeUndefined();
    });

    it('which setup says before it is needed', () => {
      const warned = (seen: Parameters<typeof instanceWarnings>[2]) => instanceWarnings(cluster, cluster.nodes, seen);
      expect(warned([ordinary])).toEqual([]);
      expect(warned([{ ...ordinary, autoScalingGroup: 'databases' }])).toEqual([
        expect.stringContaining(`${first.name} is a member of the Auto Scaling group databases`),
      ]);
      expect(warned([{ ...ordinary, spot: true }])).toEqual([expect.stringContaining('is a spot instance')]);
      expect(warned([{ ...ordinary, rootInInstanceStore: true }])).toEqual([expect.stringContaining('instance store')]);
      expect(warned(null)).toEqual([expect.stringContaining('EC2 could not be asked')]);
    });
  });
});

describe('the candidate', () => {
  const planned = plan(down);
  const fence: Fence = { method: 'host', detail: { standbyNames: rule.standbyNames } };
  const at = (node: string, receivedLsn: string, timeline = 1, inRecovery = true): Detached => ({
    node,
    position: { inRecovery, timeline, receivedLsn, replayedLsn: receivedLsn },
  });
  const choose = (detached: Detached[], changes: Partial<FailoverPlan> = {}, by: Fence = fence) =>
    chooseCandidate(cluster, { ...planned, ...changes }, by, detached, override);

  it('has the most WAL; of equals the first in order; a later timeline before all', () => {
    expect(choose([at(slave01, '0/5000000'), at(slave02, '0/5000100')])).toMatchObject({
      node: slave02,
      minimumLsn: '0/50000FF',
      others: [{ node: slave01, stopped: false }],
    });
    expect(choose([at(slave02, '0/5000000'), at(slave01, '0/5000000')]).node).toBe(slave01);
    expect(choose([at(slave01, '0/6000000'), at(slave02, '0/5000000', 2)]).node).toBe(slave02);
  });

  it('is the node that was promoted already', () => {
    expect(choose([at(slave01, '0/6000000', 2, false), at(slave02, '0/6000000')])).toMatchObject({
      node: slave01,
      minimumLsn: '0/0',
      others: [{ node: slave02 }],
    });
  });

  const failure = { Error: 'HostUnreachable', Cause: 'no answer' };
  it.each<[string, Detached[], Partial<FailoverPlan>, Fence]>([
    ['a standby cannot be asked', [at(slave01, '0/5'), { node: slave02, failure }], {}, fence],
    ['nobody knows the rule', [at(slave01, '0/5'), at(slave02, '0/5')], { rule: null }, fence],
    [
      'the rule is of another primary',
      [at(slave01, '0/5'), at(slave02, '0/5')],
      { rule: { ...rule, node: slave01 } },
      fence,
    ],
    [
      'commits waited for nobody',
      [at(slave01, '0/5'), at(slave02, '0/5')],
      { rule: { ...rule, standbyNames: '' } },
      fence,
    ],
    [
      'commits were local',
      [at(slave01, '0/5'), at(slave02, '0/5')],
      { rule: { ...rule, commitLevel: 'local' } },
      fence,
    ],
    ['any standby would do', [at(slave01, '0/5'), at(slave02, '0/5')], { rule: { ...rule, standbyNames: '*' } }, fence],
    ['commits are on the primary alone', [at(slave01, '0/5'), at(slave02, '0/5')], { risk: 'one is' }, fence],
    [
      'its file has no rule any more',
      [at(slave01, '0/5'), at(slave02, '0/5')],
      {},
      { method: 'host', detail: { standbyNames: '' } },
    ],
  ])('is refused when %s, with the command that goes on', (_, detached, changes, by) => {
    expect(() => choose(detached, changes, by)).toThrow(/allowDataLoss/);
    expect(refusal(() => choose(detached, changes, by))).toBe('DataLossPossible');
    expect(choose(detached, { ...changes, allowDataLoss: true }, by)).toMatchObject({
      node: slave01,
      reasons: [expect.any(String), expect.stringContaining('which was allowed')],
    });
  });

  it('is none when no standby could be asked', () => {
    expect(refusal(() => choose([{ node: slave01, failure }]))).toBe('NoCandidate');
  });
});

describe('acknowledged commits', () => {
  /** Each standby has WAL up to some position; a commit was acknowledged once `count` of the named ones had it. */
  const history = fc
    .record({
      positions: fc.array(fc.bigInt(1n, 1000n), { minLength: 1, maxLength: 6 }),
      method: fc.constantFrom('FIRST' as const, 'ANY' as const),
    })
    .chain(({ positions, method }) =>
      fc.record({
        positions: fc.constant(positions),
        method: fc.constant(method),
        count: fc.integer({ min: 1, max: positions.length }),
        reached: fc.subarray(positions.map((_, index) => index)),
      }),
    );

  it('are all on the chosen node, whoever is reached, or the failover is refused', () => {
    fc.assert(
      fc.property(history, ({ positions, method, count, reached }) => {
        const names = positions.map((_, index) => `node${index}`);
        const nodes = [
          { ...cluster.nodes[0], name: 'former' },
          ...names.map((name) => ({ ...cluster.nodes[0], name })),
        ];
        const own = { ...cluster, nodes, replication: { ...cluster.replication, method, count } } as typeof cluster;
        const last = positions.toSorted((a, b) => (a < b ? 1 : -1))[count - 1] ?? 0n;
        const commitRule = {
          ...rule,
          node: 'former',
          standbyNames: renderSynchronousStandbyNames({ method, count, names }),
        };
        const asked: FailoverPlan = { ...plan(down), formerPrimary: 'former', rule: commitRule };
        const detached = reached.map((index): Detached => {
          const lsn = lsnText(positions[index] ?? 0n);
          return {
            node: names[index] ?? '',
            position: { inRecovery: true, timeline: 1, receivedLsn: lsn, replayedLsn: '0/0' },
          };
        });
        const why = whyCommitsMayBeMissing(
          commitRule,
          reached.map((index) => names[index] ?? ''),
        );
        if (why !== null) {
          // With so few, holders of a commit may all be among the others.
          expect(reached.length).toBeLessThan(positions.length - count + 1);
          return;
        }
        const { node } = chooseCandidate(own, asked, { method: 'none' }, detached, override);
        expect(positions[names.indexOf(node)]).toBeGreaterThanOrEqual(last);
      }),
      { numRuns: 500 },
    );
  });
});
