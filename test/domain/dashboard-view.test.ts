/** What the dashboard says of a cluster in each of its states. */
import { describe, expect, it } from 'vitest';
import type { Allowance } from '../../lambdas/contract/allowance.ts';
import type { Observation } from '../../lambdas/contract/observation.ts';
import { runbookInputSchemas } from '../../lambdas/contract/runbook-inputs.ts';
import { utc } from '../../lambdas/contract/widget.ts';
import { dashboardView, type Sources } from '../../lambdas/domain/dashboard-view.ts';
import { runbookLinks } from '../../lambdas/domain/runbook-links.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const prefix = 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-';
const links = runbookLinks('us-east-1', prefix);
const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const cutOff: Partial<NodeInWorld> = { streams: false };

type Changes = Record<string, Partial<NodeInWorld>>;

/** The view after the checker has seen the cluster healthy and then twice as it is now. */
function viewOf(changes: Changes, others: Partial<Sources> = {}, zone = utc) {
  const checks = Checks.ofHealthy(cluster);
  const observation = observe(cluster, world(cluster, changes));
  for (let times = 0; times < 2; times += 1) checks.check(observation);
  return viewWith(observation, checks, others, zone);
}

function viewWith(observation: Observation, checks: Checks, others: Partial<Sources> = {}, zone = utc) {
  const sources: Sources = {
    observation: { value: observation },
    checker: { value: checks.state },
    allowance: { value: null },
    lock: { value: null },
    executions: { value: [] },
    ...others,
  };
  return dashboardView(cluster, sources, links, checks.now, zone);
}

type View = ReturnType<typeof viewOf>;
const factsOf = ({ facts }: View) => Object.fromEntries(facts.map(({ name, value }) => [name, value]));
const nodesOf = ({ topology: { primary, others } }: View) => [
  primary === null ? 'nobody' : `${primary.name}: ${primary.role}, ${primary.state}`,
  ...others.map(({ node, link }) => `${link.label} > ${node.name}: ${node.role}, ${node.state}`),
];

describe('the dashboard', () => {
  it('says of a healthy cluster who is what and who confirms commits', () => {
    const view = viewOf({});
    expect(view.status).toMatchObject({ words: 'Healthy', tone: 'good' });
    expect(view.trouble).toBeNull();
    expect(view.notices).toEqual([]);
    expect(factsOf(view)).toEqual({
      Writes: 'go on',
      'Commits confirmed by': slave01,
      'Standbys that can confirm': '2 (1 needed)',
      'Waiting for a standby': 'no session',
    });
    expect(nodesOf(view)).toEqual([
      `${master}: primary, accepts writes`,
      `sync > ${slave01}: standby, streaming`,
      `potential > ${slave02}: standby, streaming`,
    ]);
    expect(view.topology.others.map(({ link }) => link.kind)).toEqual(['synchronous', 'asynchronous']);
    expect(view.topology.others.map(({ node }) => node.lag)).toEqual(['nothing behind', 'nothing behind']);
    expect(view.replication?.rows.map(([name, , state, sync]) => [name, state, sync])).toEqual([
      [slave01, 'streaming', 'sync'],
      [slave02, 'streaming', 'potential'],
    ]);
  });

  it('shows the incident of a lost standby with what to do and how', () => {
    const view = viewOf({ [slave01]: refused });
    expect(view.status).toMatchObject({ words: 'Degraded', tone: 'warning' });
    expect(nodesOf(view)).toEqual([
      `${master}: primary, accepts writes`,
      `no WAL > ${slave01}: standby, nothing listens on its port`,
      `sync > ${slave02}: standby, streaming`,
    ]);
    expect(view.trouble?.title).toMatch(/^Incident pg-sync-20200106-\d+$/);
    expect(view.trouble?.times).toMatch(/^Since 07:09 UTC, for \d+ s\.$/);
    expect(view.trouble?.findings[0]?.message).toContain(slave01);
    expect(view.trouble?.steps[0]?.start?.command).toMatch(/^aws stepfunctions start-execution .*pg-sync-\w+/);
  });

  it('says that commits wait on the primary, too, when no standby is left', () => {
    const waiting = { blockedSessions: { count: 3, oldestSeconds: 12, transactions: ['1', '2', '3'] } };
    const view = viewOf({ [slave01]: refused, [slave02]: refused, [master]: { facts: waiting } });
    expect(view.status).toMatchObject({ words: 'Writes blocked', tone: 'critical' });
    expect(view.topology.primary).toMatchObject({ state: 'commits wait for a standby', tone: 'critical' });
    expect(factsOf(view)).toMatchObject({
      Writes: expect.stringMatching(/^stopped for \d+ s$/),
      'Commits confirmed by': 'nobody now',
      'Standbys that can confirm': '0 (1 needed)',
      'Waiting for a standby': '3 sessions, oldest 12 s',
    });
  });

  it('tells commits that may return without a standby from those that do by mistake', () => {
    const asynchronous = { facts: { synchronousStandbyNames: '' } };
    const changes = { [master]: asynchronous, [slave01]: refused, [slave02]: refused };
    const allowance: Allowance = {
      primary: master,
      since: '2020-01-06T07:00:00.000Z',
      until: '2020-01-06T08:00:00.000Z',
      lsn: '0/4000000',
      reason: 'both disks are full',
      execution: 'arn',
      automatic: false,
    };
    const allowed = viewOf(changes, { allowance: { value: allowance } });
    expect(allowed.status.words).toBe('Degraded');
    expect(factsOf(allowed)).toMatchObject({ Writes: 'go on', 'Commits confirmed by': 'no standby' });
    expect(allowed.trouble?.findings[0]).toMatchObject({
      severity: 'Warning',
      message: expect.stringContaining('both disks are full'),
    });
    expect(viewOf(changes).trouble?.findings[0]).toMatchObject({ severity: 'Critical' });
  });

  it('keeps the place of a primary that is down, and says how far each standby is', () => {
    const view = viewOf({ [master]: refused, [slave01]: cutOff, [slave02]: cutOff });
    expect(view.status).toMatchObject({ words: 'Primary down', tone: 'critical' });
    expect(view.replication).toBeNull();
    expect(nodesOf(view)).toEqual([
      `${master}: primary, nothing listens on its port`,
      `no WAL > ${slave01}: standby, receives nothing`,
      `no WAL > ${slave02}: standby, receives nothing`,
    ]);
    expect(view.topology.others[0]?.node.details).toContain('timeline 1, received up to 0/5000000');
    expect(factsOf(view)).toMatchObject({ 'Commits confirmed by': 'not known', 'Waiting for a standby': 'not known' });
  });

  it('shows two primaries as such', () => {
    const view = viewOf({ [slave02]: { role: 'primary', streams: false } });
    expect(view.status).toMatchObject({ words: 'Split brain', tone: 'critical' });
    expect(nodesOf(view)).toEqual([
      `${master}: primary, accepts writes`,
      expect.stringContaining(slave01),
      `no WAL > ${slave02}: primary, accepts writes too`,
    ]);
    expect(view.topology.primary?.tone).toBe('critical');
  });

  it('names no role that nobody knows', () => {
    const observation = observe(cluster, world(cluster, { [master]: refused, [slave01]: refused, [slave02]: refused }));
    const view = viewWith(observation, new Checks(cluster));
    expect(view.status).toMatchObject({ words: 'Not set up', tone: 'unknown' });
    expect(view.topology.primary).toBeNull();
    expect(view.topology.others.map(({ node }) => node.role)).toEqual(['unknown', 'unknown', 'unknown']);
  });

  it.each<[string, Changes, object]>([
    ['catches up', { [slave01]: { row: { state: 'catchup' } } }, { state: 'catching up', syncState: null }],
    ['has paused its replay', { [slave01]: { facts: { replayPaused: true } } }, { details: ['replay is paused'] }],
    [
      'streams and cannot be asked',
      { [slave01]: { seen: 'authentication' } },
      { state: 'streaming', details: [expect.stringContaining('refuses the monitoring user')] },
    ],
    [
      'is behind',
      { [slave01]: { row: { flushLagBytes: 1024, replayLagBytes: 3_145_728, replayLagSeconds: 4 } } },
      { state: 'streaming', lag: '1 kB behind, replay 3 MB behind (4 s)' },
    ],
  ])('marks a standby that %s', (_, changes, expected) => {
    const [first] = viewOf(changes).topology.others;
    expect(first?.node).toMatchObject({ name: slave01, ...expected });
    // Being behind for a moment is what standbys do.
    expect(first?.node.tone).toBe('lag' in expected ? 'good' : 'warning');
  });

  it('says that an incident is over before its recovery notice is sent', () => {
    const checks = Checks.ofHealthy(cluster);
    const broken = observe(cluster, world(cluster, { [slave01]: refused }));
    for (let times = 0; times < 2; times += 1) checks.check(broken);
    const healthy = observe(cluster, world(cluster));
    expect(viewWith(healthy, checks).trouble).toMatchObject({
      title: expect.stringMatching(/^Incident /),
      findings: [{ severity: 'Over', tone: 'good' }],
      steps: [],
    });
  });

  it('says when alerts are silenced, until the end of it', () => {
    const checks = Checks.ofHealthy(cluster);
    const observation = observe(cluster, world(cluster));
    const until = (minutes: number) => ({
      value: {
        ...checks.state,
        maintenance: { until: new Date(checks.now.getTime() + minutes * 60_000).toISOString(), reason: 'new\ndisks' },
      },
    });
    expect(viewWith(observation, checks, { checker: until(60) }).notices).toEqual([
      'Maintenance until 08:09 UTC, no alerts: new disks',
    ]);
    expect(viewWith(observation, checks, { checker: until(-1) }).notices).toEqual([]);
  });
});

describe('who works on the cluster', () => {
  const owner = 'arn:aws:states:us-east-1:123456789012:execution:pg-sync-setup:night';
  const lock = { value: { owner, runbook: 'setup', since: '2020-01-06T07:00:00.000Z' } };
  const startedAt = new Date('2020-01-06T06:59:59.000Z');

  it('is told with the execution that runs', () => {
    const view = viewOf(
      {},
      { lock, executions: { value: [{ arn: owner, runbook: 'setup', name: 'night', startedAt }] } },
    );
    expect(view.lock).toBe(
      'setup holds the cluster’s lock since 07:00 UTC: until it ends no other runbook may work on the nodes.',
    );
    expect(view.executions).toEqual([
      {
        runbook: 'setup',
        name: 'night',
        times: expect.stringMatching(/^since 06:59 UTC, for 9 min \d+ s$/),
        console: `https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/${owner}`,
      },
    ]);
  });

  it('explains what is wrong while a runbook stops and starts PostgreSQL', () => {
    const running = { value: [{ arn: owner, runbook: 'setup' as const, name: 'night', startedAt }] };
    const observation = observe(cluster, world(cluster, { [slave01]: refused }));
    const view = viewWith(observation, Checks.ofHealthy(cluster), { lock, executions: running });
    expect(view.trouble).toMatchObject({
      title: 'Seen now, not an incident yet',
      times: 'The setup runbook runs: no alert unless it is still so afterwards.',
    });
  });

  it('is told of a lock whose execution has ended', () => {
    expect(viewOf({}, { lock }).lock).toContain('its execution has ended');
  });

  it('is nobody when the lock is free', () => {
    expect(viewOf({}).lock).toContain('Nobody holds');
  });
});

describe('what cannot be read', () => {
  const failed = { problem: 'AccessDenied: no\u001b[31m' };

  it('is said, and the rest is shown', () => {
    const view = viewOf({}, { checker: failed, lock: failed, executions: failed });
    expect(view.notices).toHaveLength(3);
    for (const notice of view.notices) expect(notice).toMatch(/: AccessDenied: no \[31m$/);
    expect(view.status.words).toBe('Healthy');
    expect(view.lock).toContain('not known');
  });

  it('makes the cluster unknown, not healthy, when it is the observation', () => {
    const view = viewOf({}, { observation: failed });
    expect(view.status).toMatchObject({ words: 'Unknown', tone: 'unknown' });
    expect(view.topology.others.map(({ node }) => node.state)).toContain('could not be asked');
    expect(factsOf(view).Writes).toBe('not known');
  });
});

it('tells times in the viewer’s zone, with the date when it is another day', () => {
  const view = viewOf({}, {}, { label: 'NST', offsetInMinutes: -210 });
  expect(view.seen).toMatch(/^03:39:\d\d NST$/);
  const lock = { value: { owner: 'x', runbook: 'setup', since: '2020-01-05T23:00:00.000Z' } };
  expect(viewOf({}, { lock }, { label: 'CET', offsetInMinutes: 60 }).lock).toContain('since 00:00 CET');
  expect(viewOf({}, { lock }).lock).toContain('since 2020-01-05 23:00 UTC');
});

it('offers every runbook with where and how to start it', () => {
  for (const { name, console, command, purpose } of viewOf({}).runbooks) {
    expect(console).toContain(`${prefix}${name}`);
    expect(command).toMatch(new RegExp(`--state-machine-arn ${prefix}${name} --input '\\{.*\\}'$`));
    expect(purpose.length).toBeGreaterThan(20);
    const input: unknown = JSON.parse(/--input '(.*)'$/.exec(command)?.[1] ?? '');
    expect(runbookInputSchemas(cluster)[name].safeParse(input).error, name).toBeUndefined();
  }
});
