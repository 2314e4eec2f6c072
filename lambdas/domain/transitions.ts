/**
 * From the health of one moment to what is sent: nothing twice, nothing without its end.
 *
 * The state alone decides, so it does not matter how often, in which order or by how many functions at once this is
 * called, as long as a new state replaces the one that it was made from and no other.
 */
import type { AlertEvent, AlertEventKind, RunningOperation } from '../contract/alerts.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import {
  type CheckerState,
  type Finding,
  type Health,
  type Incident,
  type Maintenance,
  type Severity,
  severities,
} from '../contract/health.ts';
import { emptyMemory } from './checker-memory.ts';
import { findingPolicies } from './finding-policy.ts';
import {
  clocked,
  incidentId,
  overKeys,
  stoppedSeconds,
  tell,
  untold,
  withAbsences,
  withEnded,
  writesStop,
} from './incident.ts';
import { inMaintenance } from './maintenance.ts';
import { isConfirmed } from './persistence.ts';
import { secondsBetween } from './quantities.ts';
import { keepsQuiet } from './running-operation.ts';
import { same } from './same.ts';
import { type Outlook, transitionFor } from './transition-table.ts';

export function initialState(): CheckerState {
  return {
    updatedAt: null,
    memory: emptyMemory,
    pending: {},
    incident: null,
    ended: {},
    maintenance: null,
    automation: { seen: {}, attempts: {} },
  };
}

/**
 * The state after a check at `now` that found `health`, and the alerts to be sent once that state is stored.
 * Returns the very same state when there is nothing to store; a check that is older than the state changes nothing.
 */
export function advance(
  cluster: Cluster,
  state: CheckerState,
  health: Health,
  now: Date,
  operation: RunningOperation | null = null,
): { state: CheckerState; events: AlertEvent[] } {
  if (isStale(state, now)) return { state, events: [] };
  const seen = look(cluster, state, health, now, operation);
  const { to, event } = transitionFor(state.incident === null ? 'calm' : 'open', seen.outlook);
  const check = { ...seen, dropped: leaving(seen, event) };
  const incident = nextIncident(check, event);
  const events = event === null || incident === null ? [] : [alertEvent(check, event, incident)];
  const next = {
    ...state,
    memory: health.memory,
    pending: nextPending(check, incident),
    incident: to === 'calm' ? null : incident,
    ended: check.dropped.length > 0 ? withEnded(state.ended, check.told, check.dropped, now) : state.ended,
    maintenance: check.silenced ? state.maintenance : null,
  };
  if (same(next, state)) return { state, events };
  return { state: { ...next, updatedAt: now.toISOString() }, events };
}

/** Checks that overlap, on clocks that differ. A state from further ahead was never written by a check: it stops none. */
const mostAheadSeconds = 2 * 3600;

/** Whether a check at `now` is older than the one that changed the state last. */
export function isStale({ updatedAt }: CheckerState, now: Date): boolean {
  if (updatedAt === null) return false;
  const ahead = secondsBetween(now.toISOString(), new Date(updatedAt));
  return ahead > 0 && ahead < mostAheadSeconds;
}

/** A check beside the state. */
interface Look {
  readonly cluster: Cluster;
  readonly state: CheckerState;
  readonly health: Health;
  readonly now: Date;
  readonly operation: RunningOperation | null;
  /** Findings that are sent at all. */
  readonly findings: readonly Finding[];
  /** By key: since when each finding that is not told yet has been seen. */
  readonly pending: Readonly<Record<string, string>>;
  readonly told: Incident['told'];
  readonly silenced: boolean;
  /** Keys of told findings that have been gone for long enough. */
  readonly over: readonly string[];
  readonly maintenanceEnded: Maintenance | null;
  readonly outlook: Outlook;
}

interface Check extends Look {
  /** Keys of told findings that leave the incident with this check. */
  readonly dropped: readonly string[];
}

/**
 * An alert says what is over, so all of it leaves with the alert. Without one it leaves silently, so that it is told
 * again when it comes back; but what the next alert (that things are better, or well) is about stays until then.
 */
function leaving({ over, told, outlook }: Look, event: AlertEventKind | null): readonly string[] {
  if (event !== null) return over;
  if (outlook.silenced || !outlook.wrong) return [];
  return outlook.criticalOver ? over.filter((key) => told[key]?.severity !== 'critical') : over;
}

function look(
  cluster: Cluster,
  state: CheckerState,
  health: Health,
  now: Date,
  operation: RunningOperation | null,
): Look {
  const findings = health.findings.filter(({ severity }) => severity !== 'info');
  const told = withAbsences(state.incident?.told ?? {}, findings, now);
  const unknown = untold(told, findings);
  const pending = Object.fromEntries(unknown.map(({ key }) => [key, state.pending[key] ?? now.toISOString()]));
  const { maintenance } = state;
  const maintained = inMaintenance(maintenance, now);
  const silenced = maintained || keepsQuiet(operation, now);
  const over = overKeys(cluster, told, now);
  const wrong = findings.length > 0;
  const allOver = over.length === Object.keys(told).length;
  const left = Object.entries(told).filter(([key]) => !over.includes(key));
  const isCritical = ({ severity }: { severity: Severity }) => severity === 'critical';
  const outlook: Outlook = {
    silenced,
    news: unknown.some((each) => isConfirmed(cluster, each, pending[each.key] ?? now.toISOString(), now)),
    wrong,
    allTold: unknown.length === 0,
    allOver,
    criticalOver:
      Object.values(told).some(isCritical) && !left.some(([, each]) => isCritical(each)) && !findings.some(isCritical),
    reminderDue: maintenance !== null || isReminderDue(cluster, state.incident, findings, now),
  };
  return {
    cluster,
    state,
    health,
    now,
    operation,
    findings,
    pending,
    told,
    silenced,
    over,
    maintenanceEnded: maintained ? null : maintenance,
    outlook,
  };
}

function isReminderDue(cluster: Cluster, incident: Incident | null, findings: readonly Finding[], now: Date): boolean {
  if (incident === null || !findings.some(({ kind }) => findingPolicies[kind].reminds)) return false;
  return secondsBetween(incident.lastSentAt, now) >= cluster.monitoring.reminderMinutes * 60;
}

/** The incident after the check, also when it ends with it; null when there is none. */
function nextIncident(check: Check, event: AlertEventKind | null): Incident | null {
  const { cluster, state, health, now, told, findings, dropped } = check;
  const former = state.incident;
  if (former === null && event === null) return null;
  const incident = former ?? {
    id: incidentId(cluster, now),
    since: earliest(Object.values(check.pending), now),
    openedAt: now.toISOString(),
    lastSentAt: now.toISOString(),
    told: {},
    writesStopped: { seconds: 0, since: null },
  };
  // What an alert lists is told. Otherwise only what was told with more severity than it has now stays with that.
  const listed = event === null ? findings.filter(({ key }) => dropped.includes(key)) : findings;
  return {
    ...incident,
    lastSentAt: event === null ? incident.lastSentAt : now.toISOString(),
    told: tell(told, listed, dropped, state.ended, now),
    writesStopped: clocked(incident.writesStopped, health.status, stoppedSince(check), now),
  };
}

/** What is not told after the check either. */
function nextPending({ findings, pending }: Check, incident: Incident | null): CheckerState['pending'] {
  const left = incident === null ? findings : untold(incident.told, findings);
  return Object.fromEntries(left.flatMap(({ key }) => (pending[key] === undefined ? [] : [[key, pending[key]]])));
}

/**
 * Since when writes have stood still, if they do: since the trouble was first seen, or as long as the oldest commit
 * has waited; but not before the check that should have seen it.
 */
function stoppedSince({ cluster, health, pending, findings, now }: Check): string {
  const stopping = findings.filter(({ kind }) => writesStop(findingPolicies[kind].status));
  const seen = earliest(
    stopping.flatMap(({ key }) => pending[key] ?? []),
    now,
  );
  const waited = Math.min(health.evidence.blocked.oldestSeconds, cluster.monitoring.checkIntervalSeconds);
  return new Date(Math.min(Date.parse(seen), now.getTime() - waited * 1000)).toISOString();
}

function earliest(times: readonly string[], now: Date): string {
  return [...times, now.toISOString()].toSorted()[0] ?? now.toISOString();
}

function alertEvent(check: Check, kind: AlertEventKind, incident: Incident): AlertEvent {
  const { state, health, findings, told, pending, dropped, now } = check;
  // Everything was over before it had been gone for long enough: the last of it ended the incident.
  const end = kind === 'recovered' ? latest(Object.values(told).map(({ goneSince }) => goneSince)) : null;
  const severity = findings
    .map((each) => each.severity)
    .toSorted((a, b) => severities.indexOf(b) - severities.indexOf(a))[0];
  return {
    kind,
    incident: incident.id,
    at: now.toISOString(),
    since: incident.since,
    status: health.status,
    severity: severity ?? 'info',
    findings,
    news: findings.map(({ key }) => key).filter((key) => pending[key] !== undefined),
    over: dropped.flatMap((key) => told[key]?.title ?? []),
    durationSeconds: secondsBetween(incident.since, end === null ? now : new Date(end)),
    writes: {
      stopped: writesStop(health.status),
      stoppedSeconds: Math.round(stoppedSeconds(incident.writesStopped, now)),
    },
    evidence: health.evidence,
    maintenance: state.maintenance === null ? null : check.maintenanceEnded,
    operation: check.operation,
  };
}

function latest(times: readonly (string | null)[]): string | null {
  return (
    times
      .filter((time) => time !== null)
      .toSorted()
      .at(-1) ?? null
  );
}
