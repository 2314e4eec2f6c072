/** Any night under every policy: what is started by itself stays within its bounds, and never comes from doubt. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Allowance } from '../../lambdas/contract/allowance.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { checkerStateSchema, type Health } from '../../lambdas/contract/health.ts';
import { automaticRunbooks } from '../../lambdas/contract/names.ts';
import { observationFailureKinds } from '../../lambdas/contract/observation.ts';
import { automate, type Start, withAttempt } from '../../lambdas/domain/automation.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const nights = 500;

const policies = fc.record({
  failover: fc.constantFrom<'manual' | 'automatic'>('automatic', 'automatic', 'manual'),
  autoRejoin: fc.boolean(),
  whenNoStandby: fc.constantFrom<'block' | 'degrade'>('block', 'degrade'),
});

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });

const nodeInWorld = (index: number) =>
  fc.record({
    role:
      index === 0 ? often<NodeInWorld['role']>('primary', 'standby') : often<NodeInWorld['role']>('standby', 'primary'),
    seen: often<NodeInWorld['seen']>('answers', 'refused', 'refused', ...observationFailureKinds),
    streams: often(true, false),
    facts: often<NodeInWorld['facts']>(
      {},
      { synchronousStandbyNames: '' },
      { timeline: 2 },
      { timeline: 3 },
      { systemIdentifier: '1' },
      { startedAt: '2020-01-06T08:00:00' },
      { blockedSessions: { count: 2, oldestSeconds: 30, transactions: ['1/2/3'] } },
    ),
    row: often<NodeInWorld['row']>({}, { state: 'catchup' }, { flushLagBytes: 1e9 }),
  });

/** A world that lasts for some checks, and what else is the case meanwhile. */
const step = fc.record({
  nodes: fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: fc.tuple(nodeInWorld(0), nodeInWorld(1), nodeInWorld(2)) },
  ),
  checks: fc.integer({ min: 1, max: 60 }),
  seconds: fc.constantFrom(0, 5, 10, 10, 10, 40),
  maintenanceSeconds: often(0, 100),
  allowance: fc.constantFrom<'none' | 'none' | 'operator' | 'policy' | 'expired'>(
    'none',
    'none',
    'operator',
    'policy',
    'expired',
  ),
  /** How long what is started takes. */
  runSeconds: fc.constantFrom(0, 15, 200),
});

const night = fc.record({ policy: policies, steps: fc.array(step, { minLength: 2, maxLength: 8 }) });
type Night = typeof night extends fc.Arbitrary<infer T> ? T : never;

interface Started {
  readonly start: Start;
  readonly at: number;
  readonly health: Health;
  readonly maintained: boolean;
  readonly running: boolean;
  readonly memoryHadDebt: boolean;
  readonly refusing: readonly string[];
  readonly answering: readonly string[];
}

function live({ policy, steps }: Night): { cluster: Cluster; log: Started[] } {
  const cluster = exampleCluster({ policy: { ...exampleCluster().policy, ...policy } });
  const log: Started[] = [];
  let state = initialState();
  let now = new Date('2020-01-06T07:00:00.000Z');
  let busyUntil = 0;
  for (const each of steps) {
    const names = cluster.nodes.map(({ name }) => name);
    const nodes = world(
      cluster,
      Object.fromEntries((each.nodes ?? []).map((node, index) => [names[index] ?? '', node])),
    );
    const observation = observe(cluster, nodes);
    const allowance: Allowance | null =
      each.allowance === 'none'
        ? null
        : {
            primary: names[0] ?? '',
            since: now.toISOString(),
            until: new Date(now.getTime() + (each.allowance === 'expired' ? 0 : 600_000)).toISOString(),
            lsn: '0/4000000',
            reason: 'x',
            execution: 'arn',
            automatic: each.allowance === 'policy',
          };
    if (each.maintenanceSeconds > 0) {
      const until = new Date(now.getTime() + each.maintenanceSeconds * 1000).toISOString();
      state = { ...state, maintenance: { until, reason: 'x' } };
    }
    for (let check = 0; check < each.checks; check += 1) {
      now = new Date(now.getTime() + each.seconds * 1000);
      const running = now.getTime() < busyUntil;
      const operation = running ? { owner: 'arn', runbook: 'rejoin', since: now.toISOString() } : null;
      const maintained = state.maintenance !== null && now.getTime() < Date.parse(state.maintenance.until);
      const health = assess(cluster, observation, state.memory, now, allowance);
      const told = advance(cluster, state, health, now, operation).state;
      const decided = automate(cluster, observation, told, { allowance, operation, now });
      // Of two checks at the same moment the second finds the attempt on record.
      const { start } = decided;
      state = decided.state;
      if (start === null) continue;
      if (!start.recorded) {
        state = withAttempt(state, start, now);
        const twice = automate(cluster, observation, state, { allowance, operation, now }).start;
        expect(twice === null || (twice.recorded && twice.name === start.name)).toBe(true);
      }
      const seen = (answers: boolean) => names.filter((name) => (nodes[name]?.seen === 'answers') === answers);
      log.push({
        start,
        at: now.getTime(),
        health,
        maintained,
        running,
        memoryHadDebt: health.memory.suspension !== null || health.memory.durabilityRisk !== null,
        refusing: seen(false).filter((name) => ['refused', 'starting-up'].includes(nodes[name]?.seen ?? '')),
        answering: seen(true),
      });
      if (!start.recorded) busyUntil = now.getTime() + each.runSeconds * 1000;
    }
  }
  expect(checkerStateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
  return { cluster, log };
}

it(`automation keeps within its bounds in ${nights} nights`, () => {
  const started = new Map<string, number>();
  fc.assert(
    fc.property(night, (each) => {
      const { cluster, log } = live(each);
      for (const { start, health, maintained, running, memoryHadDebt, refusing, answering } of log) {
        expect(maintained || running).toBe(false);
        expect(start.name).toMatch(/^auto-[\w.-]{1,75}$/);
        const kinds = health.findings.map(({ kind }) => kind);
        if (start.runbook === 'failover') {
          expect(cluster.policy.failover).toBe('automatic');
          expect(health.status).toBe('primary-down');
          expect(kinds).toContain('PrimaryDown');
          expect(memoryHadDebt).toBe(false);
          expect(answering).not.toEqual([]);
          expect(start.confirmed).toBe(true);
        } else {
          // Nothing else without a primary that answers.
          expect(['healthy', 'degraded', 'writes-blocked', 'split-brain']).toContain(health.status);
        }
        if (start.runbook === 'rejoin') {
          const { node } = start.input as { node: string };
          expect(cluster.policy.autoRejoin).toBe(true);
          expect(node).not.toBe(health.status === 'split-brain' ? '' : health.evidence.primary);
          expect([...refusing, ...answering]).toContain(node);
          expect(
            kinds.some((kind) => kind === 'ForeignData') &&
              health.findings.some((f) => f.kind === 'ForeignData' && f.node === node),
          ).toBe(false);
        }
        if (start.runbook === 'allow-async') {
          expect(cluster.policy.whenNoStandby).toBe('degrade');
          expect(kinds).toContain('WritesBlocked');
        }
        if (health.status === 'split-brain') expect(start.runbook).toBe('rejoin');
      }
      const fresh = log.filter(({ start }) => !start.recorded);
      for (const [key, ofKey] of Map.groupBy(fresh, ({ start }) => start.key)) {
        const window = 30 * 60_000;
        const most = key.startsWith('resume-sync') ? 20 : 3;
        for (const { at } of ofKey)
          expect(ofKey.filter((other) => other.at >= at && other.at < at + window).length).toBeLessThanOrEqual(most);
        expect(new Set(ofKey.map(({ start }) => start.name)).size, key).toBe(ofKey.length);
      }
      for (const { start } of fresh) started.set(start.runbook, (started.get(start.runbook) ?? 0) + 1);
    }),
    { numRuns: nights },
  );
  // The nights are worth something only if there was reason for everything.
  for (const runbook of automaticRunbooks) expect(started.get(runbook) ?? 0, runbook).toBeGreaterThan(nights / 50);
});
