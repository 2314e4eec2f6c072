/**
 * Everything that is said of clusters of three, five and six nodes that are in random trouble: verbs go with their
 * subjects, and no line of a mail is cut on its way, whatever the names are.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { observationSchema } from '../../lambdas/contract/observation.ts';
import { renderAlert } from '../../lambdas/domain/alerts.ts';
import { planAllowAsync } from '../../lambdas/domain/allow-async.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { planFailover } from '../../lambdas/domain/failover-plan.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { longestMailLine } from '../../lambdas/domain/mail-text.ts';
import { maintenanceReport, renderMaintenance } from '../../lambdas/domain/maintenance.ts';
import { renderNotice } from '../../lambdas/domain/notices.ts';
import { promotionReport } from '../../lambdas/domain/promotion-report.ts';
import { renderRebuildRequest } from '../../lambdas/domain/rebuild-request.ts';
import { requireCaughtUp, requireReleased, requireStreaming } from '../../lambdas/domain/replication.ts';
import { planResumeSync } from '../../lambdas/domain/resume-sync.ts';
import { runbookLinks } from '../../lambdas/domain/runbook-links.ts';
import { planSwitchover } from '../../lambdas/domain/switchover-plan.ts';
import { advance, initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { disagreements } from './agreement.ts';
import { observe, type World } from './observed.ts';
import { nodeInWorld } from './random-worlds.ts';

const longest = 'n'.repeat(60);

function clusterOf(nodes: number, count: number, method: 'FIRST' | 'ANY', longNames: boolean): Cluster {
  const example = exampleCluster();
  return exampleCluster({
    ...(longNames ? { name: 'c'.repeat(20) } : {}),
    nodes: Array.from({ length: nodes }, (_, index) => ({
      ...example.nodes[0],
      name: longNames ? `${longest}_${index}` : `node_${String.fromCharCode(97 + index)}`,
      instanceId: `i-0a1b2c3d4e5f6010${index}`,
      address: `192.168.168.13${index}`,
    })) as Cluster['nodes'],
    replication: { ...example.replication, method, count },
  });
}

const clusters = fc
  .record({
    size: fc.constantFrom<[number, number]>([3, 1], [3, 2], [5, 2], [6, 5]),
    method: fc.constantFrom<'FIRST' | 'ANY'>('FIRST', 'ANY'),
    longNames: fc.boolean(),
  })
  .map(({ size: [nodes, count], method, longNames }) => clusterOf(nodes, count, method, longNames));

const situations = clusters.chain((cluster) =>
  fc.record({
    cluster: fc.constant(cluster),
    nodes: fc.tuple(...cluster.nodes.map((_, index) => nodeInWorld(index))),
    waiting: fc.constantFrom(0, 1, 2, 5),
  }),
);

/** Every text within a value. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value === null || typeof value !== 'object') return [];
  return Object.values(value).flatMap(textsIn);
}

/** What a planner says: its plan, or why it refuses. */
function said(plan: () => unknown): string[] {
  try {
    return textsIn(plan());
  } catch (error) {
    if (error instanceof RangeError) return [];
    return [(error as Error).message];
  }
}

describe('in any trouble', () => {
  it('every mail, plan and refusal is right in its grammar, and no line of a mail is too long', () => {
    let seen = 0;
    fc.assert(
      fc.property(situations, ({ cluster, nodes, waiting }) => {
        const names = cluster.nodes.map(({ name }) => name);
        const world = Object.fromEntries(names.map((name, index) => [name, nodes[index]])) as World;
        const observed = observationSchema.parse(observe(cluster, world));
        for (const node of observed.nodes) {
          if (!node.answered || waiting === 0) continue;
          const transactions = Array.from({ length: waiting }, (_, index) => `1/${index}/3`);
          node.facts.blockedSessions = { count: waiting, oldestSeconds: 40, transactions };
        }
        const now = new Date('2020-01-06T08:00:00Z');
        const memory = { ...emptyMemory, setUp: true };
        const health = assess(cluster, observed, memory, now);
        const before = { ...initialState(), memory };
        const check = advance(cluster, before, health, now);
        const later = advance(cluster, check.state, health, new Date(now.getTime() + 600_000));
        const links = runbookLinks(
          cluster.network.region,
          `arn:aws:states:${cluster.network.region}:123456789012:stateMachine:${cluster.name}-`,
        );
        const alerts = [...check.events, ...later.events].map((event) => renderAlert(cluster, event, links));
        const maintenance = maintenanceReport(initialState(), health, now);
        const primary = `${names[0]}`;
        const plans = [
          () =>
            planFailover(
              cluster,
              { observation: observed, memory, allowance: null },
              { allowDataLoss: false, reason: '' },
              now,
            ),
          () => planResumeSync(cluster, observed, null, { blockWrites: true }, now),
          () => planResumeSync(cluster, observed, null, { blockWrites: false }, now),
          () => planAllowAsync(cluster, observed, null, { minutes: 5, reason: 'a test', execution: 'arn' }, now),
          () => planSwitchover(cluster, observed, memory, `${names[1]}`, now),
          () => requireStreaming(cluster, primary, observed),
          () => requireCaughtUp(cluster, primary, observed, '0/9000000'),
          () => requireReleased(primary, observed),
        ];
        const refusals = plans.flatMap(said);
        const mails = [
          ...alerts,
          renderMaintenance(cluster, maintenance, now),
          ...refusals.map((cause) =>
            renderNotice(
              cluster,
              {
                kind: 'runbook-failed',
                runbook: 'failover',
                execution: 'arn',
                input: { reason: 'é'.repeat(999) },
                failure: { error: 'E', cause },
                report: refusals,
              },
              links,
            ),
          ),
        ].map(({ email }) => email);
        const findings = health.findings.flatMap(({ title, message }) => [title, message]);
        for (const text of [...findings, ...refusals, ...mails]) {
          seen += 1;
          expect(disagreements(text, names)).toEqual([]);
        }
        for (const mail of mails) {
          for (const line of mail.split('\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(longestMailLine);
        }
      }),
      { numRuns: 1000 },
    );
    expect(seen).toBeGreaterThan(10_000);
  });
});

it.each([
  '2 standbys has caught up',
  '0 sessions waits',
  '1 sessions wait',
  '1 standbys',
  'a and b has caught up',
  'a have caught up',
  'only 2 streams',
  'a and b still receives WAL',
])('"%s" would be noticed', (text) => {
  expect(disagreements(text, ['a', 'b'])).not.toEqual([]);
});

describe('a report of a promotion', () => {
  it.each([0, 1, 2, 5])('says right what %i nodes do', (followers) => {
    const cluster = clusterOf(6, 5, 'FIRST', false);
    const report = promotionReport(cluster, {
      runbook: 'switchover',
      plan: { from: 'node_b', to: 'node_a', mode: 'switch' },
      promoted: { timeline: 2, lsn: '0/5000000' },
      followers: cluster.nodes.slice(1).map(({ name: node }, index) => ({
        node,
        ...(index < followers ? {} : { failure: { Error: 'WalGone', Cause: 'It is gone.' } }),
      })),
      replication: { synchronousStandbyNames: '', table: [] },
    });
    for (const line of report.summary) {
      expect(
        disagreements(
          line,
          cluster.nodes.map(({ name }) => name),
        ),
      ).toEqual([]);
    }
  });
});

it('a question whether to rebuild has commands that a shell takes as they are, whatever the length of the token', () => {
  const cluster = clusterOf(3, 1, 'FIRST', true);
  const links = runbookLinks('us-east-1', `arn:aws:states:us-east-1:123456789012:stateMachine:${cluster.name}-`);
  const taskToken = 'AQCkAAAAKgAAAAMAAAAAAAAAAd'.repeat(80);
  const { email } = renderRebuildRequest(
    cluster,
    {
      taskToken,
      execution: 'arn:aws:states:us-east-1:123456789012:execution:c-rejoin:one',
      state: {
        plan: {
          node: `${cluster.nodes[1]?.name}`,
          primary: `${cluster.nodes[0]?.name}`,
          primaryBytes: 5e9,
          reasons: ['Its WAL is gone.'],
        },
      },
    } as Parameters<typeof renderRebuildRequest>[1],
    links,
  );
  for (const line of email.split('\n')) expect(line.length).toBeLessThanOrEqual(longestMailLine);
  // Pieces of a quoted word, put together as a shell does it.
  expect(email.replaceAll("'\\\n'", '').replaceAll(/ \\\n +/g, ' ')).toContain(`--task-token '${taskToken}'`);
});
