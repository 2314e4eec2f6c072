/**
 * A checker's state of any night of which any parts cannot be read: the rest survives, and nothing that the whole state
 * would have prevented starts by itself or loses a commit.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AllowanceOnRecord } from '../../lambdas/contract/allowance.ts';
import { type CheckerState, checkerStateSchema } from '../../lambdas/contract/health.ts';
import type { Observation } from '../../lambdas/contract/observation.ts';
import { automate, withAttempt } from '../../lambdas/domain/automation.ts';
import { requireAllCommits } from '../../lambdas/domain/failover-choice.ts';
import { planFailover } from '../../lambdas/domain/failover-plan.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { restoreState } from '../../lambdas/domain/stored-state.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const runs = 1500;
const example = exampleCluster();
const cluster = exampleCluster({
  policy: { ...example.policy, failover: 'automatic', autoRejoin: true, whenNoStandby: 'degrade' },
});
const [master = ''] = cluster.nodes.map(({ name }) => name);

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });

/** What a state is made from is before the end of the WAL, which does not move here: time does not run backwards. */
const nodeInWorld = (index: number) =>
  fc.record({
    role:
      index === 0 ? often<NodeInWorld['role']>('primary', 'standby') : often<NodeInWorld['role']>('standby', 'primary'),
    seen: often<NodeInWorld['seen']>('answers', 'refused', 'timeout', 'starting-up'),
    streams: often(true, false),
    facts: often<NodeInWorld['facts']>(
      {},
      { synchronousStandbyNames: '' },
      { timeline: 2 },
      { startedAt: '2020-01-06T08:00:00' },
      { blockedSessions: { count: 2, oldestSeconds: 30, transactions: ['1/2/3'] } },
    ),
    row: often<NodeInWorld['row']>({}, { state: 'catchup' }, { flushLsn: '0/4000000', flushLagBytes: 16777216 }),
  });

const step = fc.record({
  nodes: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary: fc.tuple(nodeInWorld(0), nodeInWorld(1), nodeInWorld(2)) },
  ),
  seconds: fc.constantFrom(10, 10, 40, 700),
  maintained: often(false, true),
  allowance: fc.constantFrom<'none' | 'none' | 'made' | 'unreadable'>('none', 'none', 'made', 'unreadable'),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const now = (seconds: number) => new Date(Date.parse('2020-01-06T07:00:00.000Z') + seconds * 1000);

function seenIn({ nodes, allowance }: Step): { observation: Observation; allowance: AllowanceOnRecord } {
  const names = cluster.nodes.map(({ name }) => name);
  const changes = Object.fromEntries((nodes ?? []).map((node, index) => [names[index] ?? '', node]));
  const made = {
    primary: master,
    since: now(0).toISOString(),
    until: now(100_000).toISOString(),
    lsn: '0/4000000',
    reason: 'x',
    execution: 'arn',
    automatic: false,
  };
  return {
    observation: observe(cluster, world(cluster, changes)),
    allowance: allowance === 'none' ? null : allowance === 'made' ? made : 'unreadable',
  };
}

/** One check as the handler makes it: what is remembered, and the keys of all that may start by itself, most urgent first. */
function check(before: CheckerState, seen: Step, at: Date): { state: CheckerState; due: string[] } {
  const { observation, allowance } = seenIn(seen);
  const health = assess(cluster, observation, before.memory, at, allowance);
  const told = advance(cluster, before, health, at).state;
  const decide = (state: CheckerState) =>
    automate(cluster, observation, state, { allowance, operation: null, now: at });
  const { state, start } = decide(told);
  const due: string[] = [];
  for (let next = start, rest = told; next !== null; next = decide(rest).start) {
    due.push(next.key);
    const tried = withAttempt(rest, next, at);
    const attempts = mapped(tried.automation.attempts, (each, key) => ({
      ...each,
      spent: each.spent || key === next?.key,
    }));
    rest = { ...tried, automation: { ...tried.automation, attempts } };
  }
  return { state: start === null || start.recorded ? state : withAttempt(state, start, at), due };
}

const mapped = <T>(record: Readonly<Record<string, T>>, change: (value: T, key: string) => T) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));

/** Whether a failover that may lose nothing would go on. */
function fails(state: CheckerState, seen: Step, at: Date): boolean {
  const { observation, allowance } = seenIn(seen);
  const evidence = { observation, memory: state.memory, allowance };
  try {
    const plan = planFailover(cluster, evidence, { allowDataLoss: false, reason: '' }, at);
    if (plan.promoted !== null) return false;
    const reached = plan.detach.map(({ node }) => node);
    requireAllCommits(plan, reached, null, () => 'command');
    return true;
  } catch {
    return false;
  }
}

function night(steps: readonly Step[]): { state: CheckerState; seconds: number } {
  let state = initialState();
  let seconds = 0;
  for (const each of [{ nodes: null, seconds: 10, maintained: false, allowance: 'none' } as const, ...steps]) {
    seconds += each.seconds;
    if (each.maintained) {
      state = { ...state, maintenance: { until: now(seconds + 100).toISOString(), reason: 'x' } };
    }
    state = check(state, each, now(seconds)).state;
  }
  return { state, seconds };
}

type Json = Record<string, unknown>;

/** Every part of a state by its path: fields, and the entries of records. */
function partsOf(state: CheckerState): string[][] {
  const under = (...path: string[]) => Object.keys(at(state, path) ?? {}).map((name) => [...path, name]);
  return [
    ...under(),
    ...under('memory'),
    ...under('automation'),
    ...under('pending'),
    ...under('ended'),
    ...under('automation', 'seen'),
    ...under('automation', 'attempts'),
    ...(state.incident === null ? [] : [...under('incident'), ...under('incident', 'told')]),
  ];
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce((each, name) => (each as Json | null | undefined)?.[name], value);

const rubbish: readonly unknown[] = [
  undefined,
  null,
  17,
  -1.5,
  true,
  'rubbish',
  [],
  ['rubbish'],
  {},
  { node: 1 },
  { node: 'n', lsn: 'rubbish', since: '2020-01-06T07:00:00.000Z' },
  { 'failover:pg_sync_master': { count: -3 } },
];

/** The state with rubbish in the place of one part; null where that is as good a value as any. */
function withRubbish(state: unknown, path: readonly string[], value: unknown): unknown {
  const changed = structuredClone(state) as Json;
  const parent = at(changed, path.slice(0, -1));
  if (typeof parent !== 'object' || parent === null) return changed;
  const name = path.at(-1) ?? '';
  if (value === undefined) delete (parent as Json)[name];
  else (parent as Json)[name] = value;
  return changed;
}

const isUnreadable = (state: CheckerState, path: readonly string[], value: unknown) =>
  !checkerStateSchema.safeParse(withRubbish(state, path, value)).success;

const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...rubbish)), { minLength: 1, maxLength: 6 });

/** An incident without its beginning or its name is none. */
const partOf = (path: string[]) => (path[0] === 'incident' && path[1] !== 'told' ? ['incident'] : path);

function damaged(state: CheckerState, where: readonly (readonly [number, unknown])[]) {
  const parts = partsOf(state);
  const paths = where.flatMap(([place, value]) => {
    const path = parts[place % parts.length] ?? [];
    return isUnreadable(state, path, value) ? [{ path, value }] : [];
  });
  const stored = paths.reduce<unknown>((each, { path, value }) => withRubbish(each, path, value), state);
  return { text: JSON.stringify(stored), paths: paths.map(({ path }) => partOf(path)) };
}

const startsWith = (path: readonly string[], start: readonly string[]) =>
  start.every((name, index) => path[index] === name);

it(`whatever cannot be read in ${runs} nights, the rest survives, and nothing starts or is lost for it`, () => {
  const [found, held] = [new Map<string, number>(), { failovers: 0, starts: 0 }];
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 4 }),
      damage,
      fc.array(step, { minLength: 1, maxLength: 3 }),
      (before, where, after) => {
        const { state: whole, seconds } = night(before);
        const { text, paths } = damaged(whole, where);
        fc.pre(paths.length > 0);
        for (const path of paths)
          found.set(path.slice(0, 2).join('.'), (found.get(path.slice(0, 2).join('.')) ?? 0) + 1);
        const { state: restored, forgotten } = restoreState(text);
        expect(forgotten).not.toEqual([]);
        expect(checkerStateSchema.parse(JSON.parse(JSON.stringify(restored)))).toEqual(restored);

        const derived = [
          ['memory', 'setUp'],
          ['memory', 'unread'],
          ['memory', 'held'],
          ['automation', 'attempts'],
        ];
        for (const path of partsOf(whole)) {
          const touched = [...paths, ...derived].some((each) => startsWith(path, each) || startsWith(each, path));
          if (!touched) expect(at(restored, path), path.join('.')).toEqual(at(whole, path));
        }

        let [knowing, unsure, time] = [whole, restored, seconds];
        for (const each of after) {
          time += each.seconds;
          const mayFail = fails(knowing, each, now(time));
          if (fails(unsure, each, now(time))) expect(mayFail, 'a failover goes on that would have refused').toBe(true);
          else if (mayFail) held.failovers += 1;
          const [one, other] = [check(knowing, each, now(time)), check(unsure, each, now(time))];
          expect(one.due).toEqual(expect.arrayContaining(other.due));
          if (one.due.length > other.due.length) held.starts += 1;
          [knowing, unsure] = [one.state, other.state];
        }
      },
    ),
    { numRuns: runs },
  );
  // The nights are worth something only if everything was damaged now and then, and had been good for something.
  for (const part of [
    'memory',
    'memory.durabilityRisk',
    'memory.suspension',
    'memory.waiting',
    'maintenance',
    'incident',
    'automation.attempts',
  ]) {
    expect(found.get(part) ?? 0, part).toBeGreaterThan(runs / 100);
  }
  expect(Math.min(held.failovers, held.starts)).toBeGreaterThan(runs / 100);
});
