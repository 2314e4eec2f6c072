/** Step Functions: completing the tasks that wait for a node command, and looking at executions. */
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  InvalidToken,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import type { RunningExecution } from '../contract/execution.ts';
import { type RunbookName, runbookNames } from '../contract/names.ts';
import type { Failure } from '../contract/payloads.ts';
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

/** How an execution has failed. */
export interface Failed {
  /** It ended in a state that is meant for that (Fail): what its runbook tells of itself was told before. */
  readonly byItself: boolean;
  readonly failure: Failure;
}

/**
 * How an execution that has failed came to its end. Some errors end it at once, whatever its definition catches:
 * `States.Runtime` and `States.DataLimitExceeded`, and any error of a step without a Catch.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export async function howItFailed(executionArn: string): Promise<Failed> {
  const { events = [] } = await client.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 2, includeExecutionData: false }),
  );
  const [end, before] = events;
  const { error = 'unknown', cause = '' } = end?.executionFailedEventDetails ?? {};
  return { byItself: before?.type === 'FailStateEntered', failure: { Error: error, Cause: cause } };
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
