/**
 * What the checker starts by itself, and when: reasons have to last, attempts are counted and bounded, pauses between
 * them grow. The state decides alone; an attempt is written into it before it is made, so that of several checks at
 * the same time one makes it.
 */
import type { RunningOperation } from '../contract/alerts.ts';
import type { AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import type { Automation, CheckerState } from '../contract/health.ts';
import type { AutomaticRunbook } from '../contract/names.ts';
import type { Observation } from '../contract/observation.ts';
import { assess } from './health.ts';
import { inMaintenance } from './maintenance.ts';
import { rememberedSeconds } from './persistence.ts';
import { secondsBetween } from './quantities.ts';
import { same } from './same.ts';
import { survey } from './survey.ts';
import { isStale } from './transitions.ts';
import { degradeKey, type Trigger, triggers } from './triggers.ts';

/** A runbook to be started now. */
export interface Start {
  /** Of the trigger. */
  readonly key: string;
  readonly runbook: AutomaticRunbook;
  /** Name of the execution: the same attempt has the same name, whoever makes it. */
  readonly name: string;
  readonly input: object;
  /** Two further looks must show the same reason first. */
  readonly confirmed: boolean;
  /** It is on record already, and may not have been started: the function may have died in between. */
  readonly recorded: boolean;
}

/** An attempt younger than this is made once more; the name of its execution keeps that from being a second one. */
const repeatSeconds = 30;

/** What a check knows beside the cluster itself. */
export interface Circumstances {
  readonly allowance: AllowanceOnRecord;
  /** The runbook that runs on the cluster. */
  readonly operation: RunningOperation | null;
  readonly now: Date;
}

/**
 * What is due after a check, by the state that it has left. The state is the same object while nothing has changed; a
 * check that is older than the state decides nothing.
 */
export function automate(
  cluster: Cluster,
  observation: Observation,
  state: CheckerState,
  { allowance, operation, now }: Circumstances,
): { state: CheckerState; start: Start | null } {
  if (isStale(state, now)) return { state, start: null };
  const { memory, maintenance } = state;
  const maintained = inMaintenance(maintenance, now);
  // None during maintenance, nor while a runbook is at work; nor while it is not known whether there is maintenance.
  const present =
    maintained || operation !== null || memory.held.length > 0
      ? []
      : triggers(
          survey(cluster, observation, memory, now, allowance),
          assess(cluster, observation, memory, now, allowance),
        );
  const automation = watched(state, present, { allowance, operation, now });
  const next = same(automation, state.automation) ? state : { ...state, automation, updatedAt: now.toISOString() };
  const starts = present.flatMap((trigger) => startOf(trigger, automation, now) ?? []);
  return { state: next, start: starts[0] ?? null };
}

function watched(
  state: CheckerState,
  present: readonly Trigger[],
  { allowance, operation, now }: Circumstances,
): Automation {
  const { seen, attempts } = state.automation;
  const at = now.toISOString();
  const isPresent = (key: string) => present.some((trigger) => trigger.key === key);
  const kept = Object.entries(attempts)
    .map(([key, attempt]) => {
      // A runbook that is at work keeps its reason from being looked at; that is no absence.
      const goneSince = isPresent(key) || operation !== null ? null : (attempt.goneSince ?? at);
      // An allowance that was only recorded has let no commit go: it is tried again.
      const automatic = allowance === 'unreadable' || allowance?.automatic === true;
      const degraded = automatic && state.memory.suspension !== null;
      const spent = attempt.spent || (key === degradeKey && degraded);
      return [key, { ...attempt, goneSince, spent }] as const;
    })
    // An attempt belongs to its incident, and to what comes back soon after that.
    .filter(
      ([, { goneSince }]) =>
        goneSince === null || state.incident !== null || secondsBetween(goneSince, now) < rememberedSeconds,
    );
  return {
    seen: Object.fromEntries(present.map(({ key }) => [key, seen[key] ?? at])),
    attempts: Object.fromEntries(kept),
  };
}

function startOf(trigger: Trigger, { seen, attempts }: Automation, now: Date): Start | null {
  const { key, runbook, input, lastsSeconds, confirmed, pausesSeconds } = trigger;
  const since = seen[key];
  if (since === undefined) return null;
  const attempt = attempts[key];
  const common = { key, runbook, input, confirmed };
  if (attempt?.spent === true) return null;
  if (attempt !== undefined && secondsBetween(attempt.at, now) < repeatSeconds) {
    return { ...common, name: attempt.execution, recorded: true };
  }
  if (secondsBetween(since, now) < lastsSeconds) return null;
  const count = attempt?.count ?? 0;
  if (attempt !== undefined) {
    const pause = pausesSeconds[count - 1];
    if (pause === undefined || secondsBetween(attempt.at, now) < pause) return null;
  }
  return { ...common, name: executionName(trigger, since, count + 1), recorded: false };
}

/** Readable, at most 80 characters, the same for the same attempt. */
function executionName({ runbook, subject }: Trigger, since: string, attempt: number): string {
  const time = since.replace(/\D/g, '').slice(0, 14);
  return ['auto', runbook, subject.slice(0, 40), time, `${attempt}`].filter((part) => part !== '').join('-');
}

/** The state with the attempt on record. */
export function withAttempt(state: CheckerState, start: Start, now: Date): CheckerState {
  const { automation } = state;
  const count = (automation.attempts[start.key]?.count ?? 0) + 1;
  const attempt = { count, at: now.toISOString(), execution: start.name, goneSince: null, spent: false };
  return { ...state, automation: { ...automation, attempts: { ...automation.attempts, [start.key]: attempt } } };
}
