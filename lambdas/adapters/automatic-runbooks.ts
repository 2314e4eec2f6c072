/** Starts runbooks that the checker has decided on: each attempt once, and on record before it is made. */
import { setTimeout as pause } from 'node:timers/promises';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { RunningOperation } from '../contract/alerts.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import type { Observation } from '../contract/observation.ts';
import { automate, type Start, withAttempt } from '../domain/automation.ts';
import { readAllowance } from './allowance-store.ts';
import { readChecker, writeChecker } from './checker-store.ts';
import { logger } from './logger.ts';
import { readLock } from './operation-lock.ts';
import { isRunning } from './runbook-tasks.ts';

const client = new SFNClient({});

/** Time from one look at the cluster to the next, when several have to agree. */
const lookMilliseconds = 1000;

export interface AutomaticRunbooks {
  readonly cluster: Cluster;
  readonly table: string;
  /** ARN of the cluster's state machines up to the runbook's name. */
  readonly arnPrefix: string;
  readonly look: () => Promise<Observation>;
}

/** Who is at work on the cluster; a lock that a dead execution has left behind keeps nobody from working. */
export async function runningOperation(table: string): Promise<RunningOperation | null> {
  const { holder } = await readLock(table);
  if (holder === 'unreadable') {
    // Alerts are not silent for it. A runbook that is started finds out, and says what to do.
    logger.warn('The lock is held, and it cannot be read by whom');
    return null;
  }
  return holder !== null && (await isRunning(holder.owner)) ? holder : null;
}

/**
 * Looks again where that is asked for, writes the attempt down and starts the execution. Whatever has changed since
 * the decision is looked at before: another check may have made this attempt, somebody else may have taken the lock.
 *
 * @param observation what the decision was made from
 * @returns the name of the execution that runs now, or null when there is none
 */
export async function startAutomatically(
  context: AutomaticRunbooks,
  start: Start,
  observation: Observation,
): Promise<string | null> {
  const { cluster, table } = context;
  const looks = start.confirmed ? await lookAgain(context) : [observation];
  for (;;) {
    const { version, state, unsent } = await readChecker(table);
    const [allowance, operation] = [await readAllowance(table), await runningOperation(table)];
    const now = new Date();
    const decisions = looks.map((seen) => automate(cluster, seen, state, { allowance, operation, now }).start);
    const [due] = decisions;
    if (due === undefined || due === null || decisions.some((each) => each?.key !== start.key)) {
      logger.info('no runbook is started: it is no longer due', { start, decisions });
      return null;
    }
    // One that waits for a person's answer holds no lock.
    const former = state.automation.attempts[start.key]?.execution;
    if (!due.recorded && former !== undefined && (await isRunning(executionArn(context, due.runbook, former)))) {
      logger.info('no runbook is started: the attempt before still runs', { start, former });
      return null;
    }
    if (due.recorded || (await writeChecker(table, version, { state: withAttempt(state, due, now), unsent }))) {
      return (await execute(context, due)) ? due.name : null;
    }
  }
}

/** Two further looks, a second apart, at the same time as far as they take longer. */
async function lookAgain({ look }: AutomaticRunbooks): Promise<Observation[]> {
  return Promise.all(
    [1, 2].map(async (place) => {
      await pause(place * lookMilliseconds);
      return look();
    }),
  );
}

function executionArn({ arnPrefix }: AutomaticRunbooks, runbook: string, name: string): string {
  return `${arnPrefix.replace(':stateMachine:', ':execution:')}${runbook}:${name}`;
}

/** False when this execution was started, and has ended, before. */
async function execute({ arnPrefix }: AutomaticRunbooks, { runbook, name, input }: Start): Promise<boolean> {
  try {
    await client.send(
      new StartExecutionCommand({ stateMachineArn: `${arnPrefix}${runbook}`, name, input: JSON.stringify(input) }),
    );
    logger.warn('started a runbook by policy', { runbook, name, input });
    return true;
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) return false;
    throw error;
  }
}
