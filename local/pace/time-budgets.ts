/**
 * Whether the runbooks' time limits leave room at AWS's pace: what happens within each limit, and what that needs. A limit
 * must hold what AWS's pace does not move (a script's own limits, a schedule's minute) and twice what AWS takes at its slowest.
 */
import * as limits from '../../lambdas/contract/time-limits.ts';
import { awsPace, type PaceKind } from './aws-pace.ts';

/** How often each takes place, one after the other. */
type Course = Partial<Record<PaceKind, number>>;

/** One limit, and what has to happen within it. */
export interface TimeBudget {
  readonly limit: string;
  readonly seconds: number;
  /** What happens within it. */
  readonly within: string;
  /** Seconds of it that AWS's pace does not move. */
  readonly fixedSeconds: number;
  readonly course: Course;
}

/** Times AWS at its slowest. */
export const margin = 2;

/** Seconds that the course takes at AWS's slow pace. */
export function slowSeconds(course: Course): number {
  const milliseconds = Object.entries(course).map(([kind, times]) => times * awsPace[kind as PaceKind].slow);
  return milliseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

/** Seconds that the limit must have at least. */
export function neededSeconds({ fixedSeconds, course }: Pick<TimeBudget, 'fixedSeconds' | 'course'>): number {
  return fixedSeconds + margin * slowSeconds(course);
}

/** From the entry of the step to the next one, without the script: sent, delivered, reported, completed by its event. */
const roundTrip: Course = {
  stateTransition: 2,
  coldStart: 2,
  warmCall: 2,
  apiCall: 4,
  commandDelivery: 1,
  commandStart: 1,
  commandReport: 1,
  serviceEvent: 1,
};

/** The sweep comes every minute, and may be late by another. */
const untilSweepSeconds = 60 + awsPace.scheduleLateness.slow / 1000;

/** One question to the observer: it waits 3 s for a node, and a moment for the goodbye. */
const lookSeconds = 3.2;
const look: Course = { coldStartInVpc: 1, warmCall: 1 };

/** Limits of waiting for AWS. */
export const timeBudgets: readonly TimeBudget[] = [
  {
    limit: 'delivery of a command (SSM)',
    seconds: limits.deliverySeconds,
    within: 'the agent takes the command',
    fixedSeconds: 0,
    course: { commandDelivery: 1 },
  },
  {
    limit: 'NotAfter (refused by the host)',
    seconds: limits.notAfterSeconds,
    within: 'SendCommand and its repeats, delivery, start of the script; 60 s for clocks that differ',
    fixedSeconds: 60,
    course: { apiCall: 8, commandDelivery: 1, commandStart: 1 },
  },
  {
    limit: 'a step’s time beyond its command’s own',
    seconds: limits.commandOverheadSeconds,
    within: 'round trip of the command with upload of its output; its event is lost, and the sweep completes the task',
    fixedSeconds: untilSweepSeconds,
    course: { ...roundTrip, outputUpload: 1 },
  },
  {
    limit: 'fencing on the host',
    seconds: limits.fenceOnHostSeconds,
    within: 'round trip of the command; the script stops PostgreSQL fast (5 s), at once (6 s), and looks (1 s)',
    fixedSeconds: 12,
    course: roundTrip,
  },
  {
    limit: '“Ask for its end” of the fencing command',
    seconds: limits.lastQuestionSeconds,
    within: 'the record of the command, the command and its end as SSM has them',
    fixedSeconds: 0,
    course: { stateTransition: 1, coldStart: 1, warmCall: 1, apiCall: 3, tableCall: 1 },
  },
  {
    limit: '“Stop following” of a standby',
    seconds: limits.stopFollowingSeconds,
    within:
      'round trip of the command; the script waits for the WAL receiver, and for a server that was started anew (74 s)',
    fixedSeconds: 74,
    course: roundTrip,
  },
  {
    limit: '“Stop following”, its event lost',
    seconds: limits.stopFollowingSeconds,
    within: 'the same where the script has nothing to wait for (12 s) and the sweep completes the task',
    fixedSeconds: 12 + untilSweepSeconds,
    course: { ...roundTrip, serviceEvent: 0 },
  },
  {
    limit: '“Lift fence”',
    seconds: limits.liftFenceSeconds,
    within: 'round trip of the command; the script ends a server that runs (60 s)',
    fixedSeconds: 60,
    course: roundTrip,
  },
  {
    limit: 'a function’s step',
    seconds: limits.functionStepSeconds,
    within: 'the longest timeout of a function (60 s), its start',
    fixedSeconds: 60,
    course: { stateTransition: 1, coldStart: 1, warmCall: 1 },
  },
  {
    limit: 'EC2 stops an instance (retries of “Stop its instance”)',
    seconds: limits.instanceStopSeconds,
    within: 'shutdown of the operating system where it cannot be skipped, the stop itself',
    fixedSeconds: 0,
    course: { instanceShutdown: 1, instanceStop: 1, apiCall: 2 },
  },
  {
    limit: 'standbys notice that their primary has died',
    seconds: limits.receiversNoticeSeconds,
    within: 'wal_receiver_timeout (8 s), two looks of the observer',
    fixedSeconds: 8 + 2 * lookSeconds,
    course: { warmCall: 2 },
  },
  {
    limit: 'a host of which SSM hears nothing is given up',
    seconds: limits.lostContactSeconds,
    within: 'the agent’s reports of its health, every 5 minutes, and one that is lost',
    fixedSeconds: awsPace.pingLost.slow / 1000,
    course: { apiCall: 2 },
  },
  {
    limit: 'the lease of the lock',
    seconds: limits.leaseSeconds,
    within: 'the longest run of a runbook, and the event of its end',
    fixedSeconds: limits.runbookSeconds,
    course: { serviceEvent: 1, coldStart: 1, apiCall: 2, tableCall: 1 },
  },
  {
    limit: 'checks are asked for ahead',
    seconds: limits.checkHorizonSeconds,
    within: 'a minute’s call that is lost, the next one that is late by 59 s, its start and its four calls of SQS',
    fixedSeconds: 60 + untilSweepSeconds,
    course: { coldStart: 1, warmCall: 1, apiCall: 1 },
  },
  {
    limit: 'the queue keeps a check',
    seconds: limits.checkRetentionSeconds,
    within: 'the time that it is asked for ahead, a minute of lateness',
    fixedSeconds: limits.checkHorizonSeconds + 60,
    course: { queueDelivery: 1 },
  },
];

/** What a function does within its timeout: seconds of its own, and calls one after the other. */
type FunctionCourse = Pick<TimeBudget, 'fixedSeconds' | 'course'>;

const does = (fixedSeconds: number, course: Course): FunctionCourse => ({ fixedSeconds, course });

/** Reads the monitoring secret and asks the observer once. */
const observes = (more: Course = {}): FunctionCourse => does(lookSeconds, { ...look, apiCall: 1, ...more });
/** The same again and again for so many seconds; the last look begins before the end. */
const keepsLooking = (seconds: number, more: Course = {}): FunctionCourse =>
  does(seconds + 2 * lookSeconds, { ...look, apiCall: 1, ...more });

/** By the names of the functions. The start of an instance is not part of a function's timeout. */
export const functionCourses: Readonly<Record<string, FunctionCourse>> = {
  'run-node-command': does(0, { apiCall: 4, tableCall: 2 }),
  // SSM may not know a command yet, or not yet its result: 10 s.
  'complete-node-command': does(10, { apiCall: 4, tableCall: 3 }),
  // All commands that are out at the same time.
  'sweep-node-commands': does(10, { apiCall: 6, tableCall: 4 }),
  'acquire-lock': does(0, { apiCall: 5, tableCall: 10 }),
  'announce-runbook': does(0, { apiCall: 2 }),
  'ask-for-rebuild': does(0, { apiCall: 2 }),
  'release-lock': does(0, { apiCall: 2, tableCall: 2 }),
  'plan-setup': does(0, {}),
  'plan-allow-async': observes({ tableCall: 3 }),
  'plan-resume-sync': observes({ tableCall: 3 }),
  'record-allowance': does(0, { tableCall: 1 }),
  'find-primary': observes(),
  'plan-rejoin': does(0, {}),
  'verify-rejoin': keepsLooking(20),
  'plan-switchover': observes({ tableCall: 3 }),
  'plan-failover': keepsLooking(limits.receiversNoticeSeconds, { tableCall: 3 }),
  'plan-fencing': does(0, { apiCall: 2 }),
  'fence-instance': does(20, { apiCall: 3 }),
  'choose-candidate': does(0, {}),
  'report-promotion': does(0, {}),
  'verify-replication': keepsLooking(20),
  'set-maintenance': observes({ apiCall: 4, tableCall: 4 }),
  'schedule-checks': does(0, { apiCall: 4 }),
  // Two further looks, a second apart and at the same time, before a runbook is started by policy.
  'check-cluster': does(lookSeconds + 2 + lookSeconds, { coldStartInVpc: 2, warmCall: 2, apiCall: 8, tableCall: 8 }),
  'dashboard-widget': observes({ apiCall: 2, tableCall: 2 }),
  'observe-cluster': does(lookSeconds, {}),
};
