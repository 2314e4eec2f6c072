/** Any night: random worlds, repeated, late and concurrent checks; whatever happens, the rules of alerting hold. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AlertEvent, alertEventKinds } from '../../lambdas/contract/alerts.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import {
  type CheckerState,
  checkerStateSchema,
  type Health,
  type Status,
  severities,
  statuses,
} from '../../lambdas/contract/health.ts';
import { observationSchema } from '../../lambdas/contract/observation.ts';
import { renderAlert } from '../../lambdas/domain/alerts.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { metricsOf } from '../../lambdas/domain/metrics.ts';
import { advance } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { type NodeInWorld, observe, type World, world } from './observed.ts';
import { nodeInWorld } from './random-worlds.ts';

const nights = 1000;
const clusters = [
  exampleCluster(),
  exampleCluster({ replication: { ...exampleCluster().replication, method: 'ANY', count: 2 } }),
];
const links = {
  execution: (arn: string) => arn,
  console: (runbook: string) => `https://console/${runbook}`,
  startCommand: (runbook: string) => runbook,
};

/** One step of a night: a world, how long after the one before, and how checks meet it. */
const step = fc.record({
  nodes: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) }, // healthy
    { weight: 3, arbitrary: fc.tuple(nodeInWorld(0), nodeInWorld(1), nodeInWorld(2)) },
  ),
  seconds: fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 90 }), fc.constant(4000)),
  checks: fc.constantFrom<'once' | 'twice' | 'at once' | 'late'>('once', 'once', 'twice', 'at once', 'late'),
  maintenanceSeconds: fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }) },
  ),
});
const night = fc.record({
  cluster: fc.constantFrom(...clusters),
  steps: fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }),
});

interface Checked {
  readonly health: Health;
  readonly events: readonly AlertEvent[];
  readonly at: Date;
}

interface Night {
  readonly log: readonly Checked[];
  readonly state: CheckerState;
}

type ValueOf<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Sends a night through the checker as the handler does: what was decided on an outdated state is thrown away. */
function live({ cluster, steps }: ValueOf<typeof night>): Night {
  const checks = Checks.ofHealthy(cluster);
  const log: Checked[] = [];
  let former: { world: World; at: Date } = { world: world(cluster), at: checks.now };
  const look = (nodes: World, at: Date, state: CheckerState) => {
    const observation = observationSchema.parse(observe(cluster, nodes));
    const health = assess(cluster, observation, state.memory, at);
    expect(metricsOf(cluster, observation, health).filter(({ value }) => !(value >= 0))).toEqual([]);
    expectNoBetterThan(
      lowestStatus(
        cluster.replication.count,
        cluster.nodes.map(({ name }) => nodes[name]),
      ),
      health.status,
    );
    const result = advance(cluster, state, health, at);
    // What is stored is read back as the same.
    if (result.state !== state)
      expect(checkerStateSchema.parse(JSON.parse(JSON.stringify(result.state)))).toEqual(result.state);
    return { health, at, ...result };
  };
  const store = (checked: ReturnType<typeof look>) => {
    checks.state = checked.state;
    log.push(checked);
  };
  for (const { nodes, seconds, checks: how, maintenanceSeconds } of steps) {
    const at = new Date(checks.now.getTime() + seconds * 1000);
    checks.now = at;
    if (maintenanceSeconds > 0) {
      const until = new Date(at.getTime() + maintenanceSeconds * 1000).toISOString();
      checks.state = { ...checks.state, maintenance: { until, reason: 'a test' } };
    }
    const names = cluster.nodes.map(({ name }) => name);
    const now =
      nodes === null ? world(cluster) : (Object.fromEntries(names.map((name, index) => [name, nodes[index]])) as World);
    const before = checks.state;
    store(look(now, at, before));
    if (how === 'twice') store(look(now, at, checks.state));
    // Both read the same state; the second one's write is refused, unless neither had anything to write.
    if (how === 'at once') {
      const second = look(now, at, before);
      if (checks.state === before) store(second);
      else expect(second.events.length).toBe(log.at(-1)?.events.length);
    }
    if (how === 'late' && checks.state.updatedAt === at.toISOString() && former.at < at) {
      const late = look(former.world, former.at, checks.state);
      expect(late.state).toBe(checks.state);
      expect(late.events).toEqual([]);
    }
    former = { world: now, at };
  }
  // In the end everything is well, for longer than anything has to be gone, and standbys have everything.
  const row = { flushLsn: '0/9000000', replayLsn: '0/9000000' };
  const well = world(cluster, Object.fromEntries(cluster.nodes.map(({ name }) => [name, { row }])));
  for (const seconds of [10, 10, 10, 60, 60, 60, 60, 60, 60, 60]) {
    checks.now = new Date(checks.now.getTime() + seconds * 1000);
    store(look(well, checks.now, checks.state));
  }
  return { log, state: checks.state };
}

/** The best that can be said, from the world itself and nothing that judges it. */
function lowestStatus(required: number, nodes: readonly (NodeInWorld | undefined)[]): Status {
  const all = nodes.filter((node) => node !== undefined);
  const primaries = all.filter(({ role, seen }) => role === 'primary' && seen === 'answers');
  if (primaries.length > 1) return 'split-brain';
  const [primary] = primaries;
  if (primary === undefined) return 'unknown';
  // Standbys stream from the first primary, whether or not the observer can see it.
  const isFirst = all.find(({ role }) => role === 'primary') === primary;
  const standbys = all.filter((node) => node !== primary);
  const streaming = isFirst
    ? standbys.filter(({ role, streams, row }) => role === 'standby' && streams && row.state === undefined)
    : [];
  const { synchronousStandbyNames: rule, synchronousCommit } = primary.facts;
  if (rule === undefined && synchronousCommit === undefined && streaming.length < required) return 'writes-blocked';
  const allWell = streaming.length === standbys.length && all.every(({ seen }) => seen === 'answers');
  const odd = ['settings', 'replayPaused', 'systemIdentifier'] as const;
  const unusual =
    standbys.some(({ facts }) => odd.some((key) => key in facts)) ||
    rule !== undefined ||
    synchronousCommit !== undefined;
  return allWell && !unusual ? 'healthy' : 'degraded';
}

function expectNoBetterThan(bound: Status, status: Status): void {
  // "Cannot be seen" is no judgement: where writes are known to be blocked it would be too good.
  expect(statuses.indexOf(status), `${status}, but at best ${bound}`).toBeGreaterThanOrEqual(statuses.indexOf(bound));
}

/** Every alert has its end, and every incident its order. */
function expectOrder({ log, state }: Night): void {
  let open: string | null = null;
  const seen = new Set<string>();
  for (const { events } of log) {
    expect(events.length).toBeLessThanOrEqual(1);
    for (const { kind, incident } of events) {
      expect(open).toBe(kind === 'opened' ? null : incident);
      if (kind === 'opened') expect(seen).not.toContain(incident);
      seen.add(incident);
      open = kind === 'recovered' ? null : incident;
    }
  }
  expect(open).toBeNull();
  expect(state).toMatchObject({ incident: null, pending: {}, maintenance: null });
}

/** Nothing is told again unless it was gone, or less severe, in between. */
function expectNothingTwice({ log }: Night): void {
  const told = new Map<string, number>();
  for (const { health, events } of log) {
    const severityOf = new Map(health.findings.map(({ key, severity }) => [key, severities.indexOf(severity)]));
    for (const { kind, news } of events) {
      if (kind === 'opened' || kind === 'worsened') expect(news).not.toEqual([]);
      if (kind === 'reminder' || kind === 'recovered') continue;
      for (const key of news) expect(severityOf.get(key)).toBeGreaterThan(told.get(key) ?? -1);
      for (const [key, severity] of severityOf) told.set(key, Math.max(severity, told.get(key) ?? -1));
    }
    for (const [key, severity] of told) told.set(key, Math.min(severity, severityOf.get(key) ?? -1));
  }
}

/** What an alert says is so. */
function expectTruth({ log }: Night): void {
  for (const { health, events } of log) {
    for (const { kind, status, findings, durationSeconds, writes } of events) {
      expect(kind === 'recovered').toBe(health.status === 'healthy');
      expect(status).toBe(health.status);
      expect(findings.length > 0).toBe(kind !== 'recovered');
      expect(durationSeconds).toBeGreaterThanOrEqual(0);
      expect(writes.stoppedSeconds).toBeGreaterThanOrEqual(0);
    }
  }
}

function expectSendable(cluster: Cluster, { log }: Night): void {
  for (const event of log.flatMap(({ events }) => events)) {
    const { subject, email, chatbot, json } = renderAlert(cluster, event, links);
    expect(subject).toMatch(/^[A-Z][ -~]{0,99}$/);
    expect(email.length).toBeGreaterThan(100);
    expect(JSON.parse(chatbot)).toMatchObject({ source: 'custom', metadata: { threadId: event.incident } });
    expect(JSON.parse(json)).toMatchObject({ incident: event.incident, kind: event.kind });
  }
}

it(`the rules of alerting hold in ${nights} nights`, () => {
  const sent = new Map<string, number>();
  fc.assert(
    fc.property(night, (each) => {
      const lived = live(each);
      expectOrder(lived);
      expectNothingTwice(lived);
      expectTruth(lived);
      expectSendable(each.cluster, lived);
      for (const { kind } of lived.log.flatMap(({ events }) => events)) sent.set(kind, (sent.get(kind) ?? 0) + 1);
    }),
    { numRuns: nights },
  );
  // The nights are worth something only if there was something of everything to tell.
  for (const kind of alertEventKinds) expect(sent.get(kind), kind).toBeGreaterThan(nights / 50);
});
