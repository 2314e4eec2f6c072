/** Step Functions: completing the tasks that wait for a node command, and looking at executions. */
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  InvalidToken,
  ListExecutionsCommand,
  paginateListExecutions,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { RunningExecution } from '../contract/execution.ts';
import { type RunbookName, runbookNames } from '../contract/names.ts';
import type { CommandOutcome } from '../domain/command-outcome.ts';

const client = new SFNClient({});

/**
 * Completes a waiting task with the outcome of its command. Events and the sweep may both bring the same outcome;
 * whichever comes second finds the task gone, which is as it should be.
 *
 * @returns true when this call completed the task
 */
export async function completeTask(taskToken: string, outcome: CommandOutcome): Promise<boolean> {
  try {
    if (outcome.kind === 'success') {
      await client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(outcome.result) }));
    } else if (outcome.kind === 'failure') {
      await client.send(new SendTaskFailureCommand({ taskToken, error: outcome.error, cause: outcome.cause }));
    }
    return outcome.kind !== 'pending';
  } catch (error) {
    if (error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken)
      return false;
    throw error;
  }
}

/** True while an execution runs; an execution that Step Functions no longer knows does not. */
export async function isRunning(executionArn: string): Promise<boolean> {
  try {
    const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
}

/** When the oldest running execution of the given runbooks started; null when none runs. */
export async function oldestRunningSince(runbookArns: readonly string[]): Promise<Date | null> {
  let oldest: Date | null = null;
  for (const stateMachineArn of runbookArns) {
    for await (const { executions } of paginateListExecutions(
      { client },
      { stateMachineArn, statusFilter: 'RUNNING' },
    )) {
      for (const { startDate } of executions ?? []) {
        if (startDate !== undefined && (oldest === null || startDate < oldest)) oldest = startDate;
      }
    }
  }
  return oldest;
}

/**
 * Every execution that runs now.
 *
 * @param arnPrefix ARN of the cluster's runbooks up to the runbook's name
 */
export async function runningExecutions(arnPrefix: string): Promise<RunningExecution[]> {
  return (await Promise.all(runbookNames.map((runbook) => runningOf(runbook, `${arnPrefix}${runbook}`)))).flat();
}

async function runningOf(runbook: RunbookName, stateMachineArn: string): Promise<RunningExecution[]> {
  // At most one of them holds the lock, and the others give up within seconds: one page holds them all.
  const { executions = [] } = await client.send(
    new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 20 }),
  );
  return executions.flatMap(({ executionArn, name, startDate }) =>
    executionArn === undefined || name === undefined || startDate === undefined
      ? []
      : [{ arn: executionArn, runbook, name, startedAt: startDate }],
  );
}
