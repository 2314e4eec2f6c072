/** Runs a runbook as an operator does: starts it, watches its history, reads its outcome. */
import { setTimeout as pause } from 'node:timers/promises';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeExecutionCommand,
  type HistoryEvent,
  paginateGetExecutionHistory,
  paginateListStateMachines,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { type RunbookName, resourceNames } from '../../lambdas/contract/names.ts';
import type { LocalClients } from './aws-clients.ts';
import { patience } from './wait-for.ts';

/** How an execution ended. */
export type RunbookOutcome =
  | { readonly status: 'SUCCEEDED'; readonly seconds: number; readonly output: Record<string, unknown> }
  | {
      readonly status: 'FAILED' | 'TIMED_OUT' | 'ABORTED';
      readonly seconds: number;
      readonly error: string;
      readonly cause: string;
    };

/** Tells of a step that was entered, or of the progress of a base backup. */
export type Progress = (line: string) => void;

const pollMilliseconds = 200;

/** ARN of a runbook of a cluster, found by its name. */
export async function runbookArn(clients: LocalClients, cluster: string, runbook: RunbookName): Promise<string> {
  const name = resourceNames(cluster).runbook(runbook);
  for await (const { stateMachines } of paginateListStateMachines({ client: clients.sfn }, {})) {
    const found = stateMachines?.find((machine) => machine.name === name)?.stateMachineArn;
    if (found !== undefined) return found;
  }
  throw new Error(`there is no state machine ${name}`);
}

/** Starts a runbook and returns the ARN of its execution. */
export async function startRunbook(
  clients: LocalClients,
  cluster: string,
  runbook: RunbookName,
  input: object = {},
): Promise<string> {
  const stateMachineArn = await runbookArn(clients, cluster, runbook);
  const { executionArn } = await clients.sfn.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }),
  );
  if (executionArn === undefined) throw new Error('the execution has no ARN');
  return executionArn;
}

/**
 * Waits until an execution has ended.
 *
 * @param limitSeconds after {@link patience} times as long an error is thrown
 */
export async function awaitRunbook(
  clients: LocalClients,
  cluster: string,
  executionArn: string,
  limitSeconds: number,
  progress?: Progress,
): Promise<RunbookOutcome> {
  const deadline = Date.now() + patience * limitSeconds * 1000;
  const watcher = progress && new ExecutionWatcher(clients, cluster, executionArn, progress);
  for (;;) {
    const execution = await clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    await watcher?.tell(execution.startDate ?? new Date());
    const { status } = execution;
    if (status !== 'RUNNING') {
      const seconds = ((execution.stopDate?.getTime() ?? 0) - (execution.startDate?.getTime() ?? 0)) / 1000;
      if (status === 'SUCCEEDED') return { status, seconds, output: JSON.parse(execution.output ?? '{}') };
      if (status !== 'FAILED' && status !== 'TIMED_OUT' && status !== 'ABORTED')
        throw new Error(`the execution is ${status}`);
      return { status, seconds, error: execution.error ?? '', cause: execution.cause ?? '' };
    }
    if (Date.now() > deadline) throw new Error(`${executionArn} still runs after ${patience * limitSeconds} s`);
    await pause(pollMilliseconds);
  }
}

/** Starts a runbook and waits for its end. */
export async function runRunbook(
  clients: LocalClients,
  cluster: string,
  runbook: RunbookName,
  limitSeconds: number,
  progress?: Progress,
  input: object = {},
): Promise<RunbookOutcome> {
  return awaitRunbook(clients, cluster, await startRunbook(clients, cluster, runbook, input), limitSeconds, progress);
}

/** Node that a step works on, taken from its input. */
function nodeOf(event: HistoryEvent): string {
  try {
    const input: unknown = JSON.parse(event.stateEnteredEventDetails?.input ?? 'null');
    if (typeof input === 'object' && input !== null && 'node' in input) return ` · ${String(input.node)}`;
  } catch {
    // Input that is no JSON object names no node.
  }
  return '';
}

/** Follows one execution and tells every new step and every new progress line once. */
class ExecutionWatcher {
  readonly #clients: LocalClients;
  readonly #logGroup: string;
  readonly #executionArn: string;
  readonly #progress: Progress;
  #lastEvent = 0;
  readonly #toldLines = new Set<string>();

  constructor(clients: LocalClients, cluster: string, executionArn: string, progress: Progress) {
    this.#clients = clients;
    this.#logGroup = resourceNames(cluster).commandLogGroup;
    this.#executionArn = executionArn;
    this.#progress = progress;
  }

  async tell(since: Date): Promise<void> {
    for await (const { events } of paginateGetExecutionHistory(
      { client: this.#clients.sfn },
      { executionArn: this.#executionArn },
    )) {
      for (const event of events ?? []) {
        if ((event.id ?? 0) <= this.#lastEvent) continue;
        this.#lastEvent = event.id ?? 0;
        if (event.type === 'TaskStateEntered')
          this.#progress(`${event.stateEnteredEventDetails?.name}${nodeOf(event)}`);
      }
    }
    await this.#tellBackups(since);
  }

  async #tellBackups(since: Date): Promise<void> {
    const { events } = await this.#clients.logs.send(
      new FilterLogEventsCommand({
        logGroupName: this.#logGroup,
        startTime: since.getTime(),
        filterPattern: '"base backup of"',
      }),
    );
    for (const { logStreamName, message } of events ?? []) {
      const key = `${logStreamName} ${message}`;
      if (message === undefined || this.#toldLines.has(key)) continue;
      this.#toldLines.add(key);
      this.#progress(message.trim());
    }
  }
}
