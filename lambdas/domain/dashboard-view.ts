/**
 * What the dashboard's widget says, in words and in order, before anything is drawn. It is assembled from several
 * sources, of which any may be unreadable: then the rest is shown, and that a part is missing.
 */
import type { RunningOperation } from '../contract/alerts.ts';
import type { AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import type { RunningExecution } from '../contract/execution.ts';
import type { CheckerState, Finding, Health, Status } from '../contract/health.ts';
import type { Observation } from '../contract/observation.ts';
import type { Zone } from '../contract/widget.ts';
import { clockTime, momentBefore } from './clock.ts';
import { assess } from './health.ts';
import { stoppedSeconds, writesStop } from './incident.ts';
import { meaningOf } from './meaning.ts';
import { plain } from './plain-text.ts';
import { counted, duration, list, secondsBetween } from './quantities.ts';
import { nextSteps } from './remedies.ts';
import { type ReplicationTableView, replicationTableView } from './replication-view.ts';
import { type RunbookView, runbookViews } from './runbook-guide.ts';
import type { RunbookLinks } from './runbook-links.ts';
import { keepsQuiet } from './running-operation.ts';
import { survey } from './survey.ts';
import { type Tone, type TopologyView, topologyView } from './topology-view.ts';
import { initialState } from './transitions.ts';

/** What a source gave, or why it gave nothing. */
export type Source<T> = { readonly value: T } | { readonly problem: string };

export interface Sources {
  readonly observation: Source<Observation>;
  readonly checker: Source<CheckerState>;
  /** The allowance to commit without standbys that is on record. */
  readonly allowance: Source<AllowanceOnRecord>;
  readonly lock: Source<RunningOperation | null>;
  readonly executions: Source<readonly RunningExecution[]>;
}

/** A step to take: in words and, where a runbook does it, with where and how to start it. */
export interface StepView {
  readonly text: string;
  readonly start: { readonly runbook: string; readonly console: string; readonly command: string } | null;
}

export interface TroubleView {
  /** `Incident pg-sync-20261122-181022`, or that there is none. */
  readonly title: string;
  /** Since when, for how long. */
  readonly times: string;
  readonly findings: readonly { readonly tone: Tone; readonly severity: string; readonly message: string }[];
  readonly steps: readonly StepView[];
}

interface ExecutionView {
  readonly runbook: string;
  readonly name: string;
  readonly times: string;
  readonly console: string;
}

/** A fact with its name; a tone when it is worth a symbol. */
interface FactView {
  readonly name: string;
  readonly value: string;
  readonly tone: Tone | null;
}

export interface DashboardView {
  readonly cluster: string;
  readonly seen: string;
  readonly status: { readonly is: Status; readonly tone: Tone; readonly words: string; readonly meaning: string };
  /** A few, most important first. */
  readonly facts: readonly FactView[];
  /** What could not be read, and that alerts are silenced. */
  readonly notices: readonly string[];
  readonly trouble: TroubleView | null;
  readonly topology: TopologyView;
  /** Null when no primary answers. */
  readonly replication: ReplicationTableView | null;
  readonly lock: string;
  readonly executions: readonly ExecutionView[];
  readonly runbooks: readonly RunbookView[];
}

const mostFindings = 12;
const longestProblem = 300;

const statusWords: Readonly<Record<Status, { readonly words: string; readonly tone: Tone }>> = {
  healthy: { words: 'Healthy', tone: 'good' },
  degraded: { words: 'Degraded', tone: 'warning' },
  unknown: { words: 'Unknown', tone: 'unknown' },
  'writes-blocked': { words: 'Writes blocked', tone: 'critical' },
  'primary-down': { words: 'Primary down', tone: 'critical' },
  'split-brain': { words: 'Split brain', tone: 'critical' },
};

export function dashboardView(
  cluster: Cluster,
  sources: Sources,
  links: RunbookLinks,
  now: Date,
  zone: Zone,
): DashboardView {
  const state = 'value' in sources.checker ? sources.checker.value : initialState();
  const observation = 'value' in sources.observation ? sources.observation.value : { nodes: [] };
  const operation = 'value' in sources.lock ? sources.lock.value : null;
  const allowance = 'value' in sources.allowance ? sources.allowance.value : null;
  const health = assess(cluster, observation, state.memory, now, allowance);
  const seen = survey(cluster, observation, state.memory, now, allowance);
  return {
    cluster: cluster.name,
    seen: clockTime(now, zone),
    status: statusView(health),
    facts: [writesFact(health.status, state, now), ...(seen.primary === null ? unasked : confirmations(health))],
    notices: [...unread(sources), ...maintenance(state, now, zone)],
    trouble: troubleView(cluster, health, state, operation, links, now, zone),
    topology: topologyView(seen),
    replication:
      seen.primary === null ? null : replicationTableView(cluster, seen.primary.node.name, seen.primary.facts),
    lock: lockWords(sources, now, zone),
    executions: executionViews(sources, links, now, zone),
    runbooks: runbookViews(cluster, links),
  };
}

function statusView({ status, ...situation }: Health): DashboardView['status'] {
  const notSetUp = situation.findings.some(({ kind }) => kind === 'ClusterNotSetUp');
  const { words, tone } = statusWords[status];
  return { is: status, tone, words: notSetUp ? 'Not set up' : words, meaning: meaningOf(status, situation) };
}

function writesFact(status: Status, { incident }: CheckerState, now: Date): FactView {
  const name = 'Writes';
  if (status === 'unknown') return { name, value: 'not known', tone: 'unknown' };
  if (status === 'split-brain') return { name, value: 'go on, on two nodes', tone: 'critical' };
  if (!writesStop(status)) return { name, value: 'go on', tone: 'good' };
  const stopped = incident === null ? 0 : stoppedSeconds(incident.writesStopped, now);
  return { name, value: stopped >= 1 ? `stopped for ${duration(stopped)}` : 'stopped', tone: 'critical' };
}

const confirmationNames = ['Commits confirmed by', 'Standbys that can confirm', 'Waiting for a standby'] as const;

/** Only a primary knows. */
const unasked: readonly FactView[] = confirmationNames.map((name) => ({ name, value: 'not known', tone: 'unknown' }));

/** Who confirms commits on the primary that answered. */
function confirmations({ status, evidence: { synchronous, blocked } }: Health): readonly FactView[] {
  const [by, able, waiting] = confirmationNames;
  const wait =
    blocked.count === 0
      ? ({ name: waiting, value: 'no session', tone: null } as const)
      : ({
          name: waiting,
          value: `${counted(blocked.count, 'session')}, oldest ${duration(blocked.oldestSeconds)}`,
          // A healthy commit waits for a moment, too.
          tone: writesStop(status) ? 'critical' : null,
        } as const);
  if (synchronous === null) {
    return [
      { name: by, value: 'no standby', tone: 'warning' },
      { name: able, value: 'none asked for', tone: null },
      wait,
    ];
  }
  const { required, standbys, candidates } = synchronous;
  const lack = candidates.length < required;
  return [
    { name: by, value: list(standbys) || 'nobody now', tone: lack ? 'warning' : null },
    { name: able, value: `${candidates.length} (${required} needed)`, tone: lack ? 'critical' : null },
    wait,
  ];
}

function unread({ observation, checker, allowance, lock, executions }: Sources): string[] {
  const problem = (what: string, source: Source<unknown>) =>
    'problem' in source ? [`${what}: ${plain(source.problem, longestProblem)}`] : [];
  return [
    ...problem('The nodes could not be observed', observation),
    ...problem('What the checker remembers could not be read', checker),
    ...problem('Whether commits may return without standbys could not be read', allowance),
    ...('value' in allowance && allowance.value === 'unreadable'
      ? ['An allowance to commit without standbys is on record and cannot be read: the resume-sync runbook removes it.']
      : []),
    ...problem('The lock could not be read', lock),
    ...problem('Running runbooks could not be listed', executions),
  ];
}

function maintenance({ maintenance: planned }: CheckerState, now: Date, zone: Zone): string[] {
  if (planned === null || Date.parse(planned.until) <= now.getTime()) return [];
  return [`Maintenance until ${momentBefore(planned.until, now, zone)}, no alerts: ${plain(planned.reason, 200)}`];
}

function troubleView(
  cluster: Cluster,
  { findings, evidence }: Health,
  { incident }: CheckerState,
  operation: RunningOperation | null,
  links: RunbookLinks,
  now: Date,
  zone: Zone,
): TroubleView | null {
  const real = findings.filter(({ severity }) => severity !== 'info');
  if (real.length === 0 && incident === null) return null;
  const shown = real.slice(0, mostFindings).map(findingView);
  const rest = real.length - shown.length;
  return {
    title: incident === null ? 'Seen now, not an incident yet' : `Incident ${incident.id}`,
    times:
      incident === null
        ? keepsQuiet(operation, now)
          ? `The ${plain(operation?.runbook ?? '', 60)} runbook runs: no alert unless it is still so afterwards.`
          : 'An alert follows if it lasts.'
        : `Since ${momentBefore(incident.since, now, zone)}, for ${duration(secondsBetween(incident.since, now))}.`,
    findings: [
      ...shown,
      ...(rest > 0 ? [{ tone: 'warning' as const, severity: 'More', message: `${rest} further findings` }] : []),
      ...(real.length === 0
        ? [
            {
              tone: 'good' as const,
              severity: 'Over',
              message: 'All well now. The recovery notice follows if it lasts.',
            },
          ]
        : []),
    ],
    steps: nextSteps(cluster, real, evidence).map(({ text, runbook }) => ({
      text,
      start:
        runbook === null
          ? null
          : {
              runbook: runbook.name,
              console: links.console(runbook.name),
              command: links.startCommand(runbook.name, runbook.input),
            },
    })),
  };
}

function findingView({ severity, message }: Finding): TroubleView['findings'][number] {
  return severity === 'critical'
    ? { tone: 'critical', severity: 'Critical', message }
    : { tone: 'warning', severity: 'Warning', message };
}

function lockWords({ lock, executions }: Sources, now: Date, zone: Zone): string {
  if ('problem' in lock) return 'Who holds the lock is not known.';
  if (lock.value === null) return 'Nobody holds the cluster’s lock: a runbook can be started.';
  const { owner, runbook, since } = lock.value;
  const held = `${plain(runbook, 60)} holds the cluster’s lock since ${momentBefore(since, now, zone)}`;
  const ended = 'value' in executions && !executions.value.some(({ arn }) => arn === owner);
  return ended
    ? `${held}, but its execution has ended: the next runbook takes the lock over.`
    : `${held}: until it ends no other runbook may work on the nodes.`;
}

function executionViews({ executions }: Sources, links: RunbookLinks, now: Date, zone: Zone): ExecutionView[] {
  if ('problem' in executions) return [];
  return executions.value
    .toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
    .map(({ arn, runbook, name, startedAt }) => ({
      runbook: plain(runbook, 60),
      name: plain(name, 80),
      times: `since ${momentBefore(startedAt, now, zone)}, for ${duration(secondsBetween(startedAt, now))}`,
      console: links.execution(arn),
    }));
}
