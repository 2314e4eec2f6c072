/** The state machines of the assembly and their executions. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ExecutionAbortedError, ExecutionError, ExecutionTimeoutError, StateMachine } from 'aws-local-stepfunctions';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import {
  executionContextKey,
  type PreparedDefinition,
  prepareDefinition,
  type TaskResource,
  tokenPlaceholder,
} from './definition.ts';
import { definitionErrors } from './definition-errors.ts';
import type { ExecutionRecord, ExecutionStatus, ExecutionStore } from './execution-store.ts';
import { type HistoryEvent, HistoryRecorder, type LibraryEvent } from './history.ts';
import { TaskAbandoned } from './task-failure.ts';
import { runTask, type TaskOwner, type TaskServices } from './tasks.ts';

/** A state machine as deployed. */
export interface StateMachineFacts {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly roleArn: string;
  readonly definition: string;
  readonly created: Date;
}

interface Machine extends StateMachineFacts {
  readonly prepared: PreparedDefinition;
}

interface Running {
  record: ExecutionRecord;
  readonly recorder: HistoryRecorder;
  abort(): void;
  /** Set by StopExecution before the abort. */
  stopReason: { error?: string; cause?: string };
  readonly settled: Promise<void>;
}

/** Told of every change of an execution's status. */
export type StatusListener = (record: ExecutionRecord, region: string) => void;

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

function definitionText(stack: Stack, logicalId: string, properties: Readonly<Record<string, unknown>>): string {
  const {
    DefinitionString: text,
    Definition: object,
    DefinitionS3Location: location,
  } = properties as {
    DefinitionString?: string;
    Definition?: object;
    DefinitionS3Location?: { Key: string };
  };
  const path = location === undefined ? undefined : stack.assets.get(location.Key);
  const found =
    text ?? (object === undefined ? undefined : JSON.stringify(object)) ?? (path && readFileSync(path, 'utf8'));
  if (found === undefined) throw new Error(`${logicalId}: the state machine has no definition`);
  const substitutions = (properties.DefinitionSubstitutions ?? {}) as Record<string, string>;
  return found.replace(/\$\{([^}]+)\}/g, (whole, key: string) => substitutions[key] ?? whole);
}

/** Refuses definitions that Step Functions would refuse, too. */
function validate(machines: readonly StateMachineFacts[]): void {
  const errors = definitionErrors(machines.map(({ definition }) => definition));
  for (const [index, { name }] of machines.entries()) {
    const own = errors[index] ?? [];
    if (own.length > 0)
      throw new Error(`State machine ${name} is not valid:\n${own.map((line) => `  ${line}`).join('\n')}`);
  }
}

/** How an execution ended. */
interface End {
  readonly status: ExecutionStatus;
  readonly event: string;
  readonly details: { readonly output?: string; readonly error?: string; readonly cause?: string };
}

/** How an execution ended, from the error that the library threw. */
function failure(error: unknown, stopReason: { error?: string; cause?: string }): End {
  if (error instanceof ExecutionAbortedError)
    return { status: 'ABORTED', event: 'ExecutionAborted', details: stopReason };
  if (error instanceof ExecutionTimeoutError) {
    return { status: 'TIMED_OUT', event: 'ExecutionTimedOut', details: { error: 'States.Timeout' } };
  }
  const inner = error instanceof ExecutionError && error.cause instanceof Error ? error.cause : (error as Error);
  return { status: 'FAILED', event: 'ExecutionFailed', details: { error: inner.name, cause: inner.message } };
}

/** All state machines and executions. */
export class StateMachines {
  readonly #machines = new Map<string, Machine>();
  readonly #running = new Map<string, Running>();
  readonly #finished = new Map<string, ExecutionRecord>();
  readonly #store: ExecutionStore;
  readonly #services: TaskServices;
  readonly #onStatus: StatusListener;
  readonly #pace: Pace;

  constructor(
    stacks: readonly Stack[],
    store: ExecutionStore,
    services: TaskServices,
    onStatus: StatusListener,
    pace: Pace = ownPace,
  ) {
    this.#pace = pace;
    this.#store = store;
    this.#services = services;
    this.#onStatus = onStatus;
    for (const { stack, resource } of resourcesOf(stacks, 'AWS::StepFunctions::StateMachine')) {
      const { properties } = resource;
      const name = resource.attributes.Name ?? '';
      if (properties.StateMachineType === 'EXPRESS') throw new Error(`State machine ${name}: EXPRESS is not supported`);
      const definition = definitionText(stack, resource.logicalId, properties);
      const prepared = prepareDefinition(name, definition);
      this.#machines.set(resource.id, {
        name,
        arn: resource.id,
        region: stack.region,
        roleArn: String(properties.RoleArn ?? ''),
        definition,
        created: new Date(),
        prepared,
      });
    }
    validate([...this.#machines.values()]);
    for (const record of store.load()) this.#finished.set(record.executionArn, this.#interrupted(record));
  }

  /** An execution of an earlier run of the runtime that was still under way when that ended. */
  #interrupted(record: ExecutionRecord): ExecutionRecord {
    if (record.status !== 'RUNNING') return record;
    const aborted: ExecutionRecord = {
      ...record,
      status: 'ABORTED',
      stopDate: new Date(),
      error: 'LocalRuntimeStopped',
      cause: 'The local runtime ended while this execution ran',
    };
    const history = this.#store.history(record.executionArn);
    this.#store.append(record.executionArn, {
      timestamp: aborted.stopDate ?? new Date(),
      type: 'ExecutionAborted',
      id: (history.at(-1)?.id ?? 0) + 1,
      previousEventId: history.at(-1)?.id ?? 0,
      executionAbortedEventDetails: { error: aborted.error, cause: aborted.cause },
    });
    this.#store.save(aborted);
    return aborted;
  }

  /** State machines, sorted by name. */
  list(region?: string): StateMachineFacts[] {
    return [...this.#machines.values()]
      .filter((machine) => region === undefined || machine.region === region)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a state machine by its ARN. */
  find(arn: string): StateMachineFacts {
    return this.#machine(arn);
  }

  #machine(arn: string): Machine {
    const machine = this.#machines.get(arn);
    if (machine !== undefined) return machine;
    if (!/^arn:aws[a-z-]*:states:[^:]+:\d{12}:stateMachine:[^:]+$/.test(arn)) {
      throw new AwsError('InvalidArn', `Invalid Arn: 'Invalid ARN: ${arn}'`);
    }
    throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  }

  /** Every execution, newest first. */
  executions(stateMachineArn: string, status?: ExecutionStatus): ExecutionRecord[] {
    return [...[...this.#running.values()].map(({ record }) => record), ...this.#finished.values()]
      .filter(
        (record) => record.stateMachineArn === stateMachineArn && (status === undefined || record.status === status),
      )
      .sort((a, b) => b.startDate.getTime() - a.startDate.getTime());
  }

  /** Finds an execution by its ARN. */
  execution(arn: string): ExecutionRecord {
    const record = this.#running.get(arn)?.record ?? this.#finished.get(arn);
    if (record === undefined) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return record;
  }

  /** History of an execution, oldest event first. */
  history(arn: string): readonly HistoryEvent[] {
    this.execution(arn);
    return this.#running.get(arn)?.recorder.events ?? this.#store.history(arn);
  }

  /** Starts an execution; the same name with the same input is the same execution while that runs. */
  start(stateMachineArn: string, givenName: string | undefined, input: string): ExecutionRecord {
    const machine = this.#machine(stateMachineArn);
    const name = givenName ?? randomUUID();
    let parsed: unknown;
    try {
      parsed = JSON.parse(input);
    } catch {
      throw new AwsError(
        'InvalidExecutionInput',
        `Invalid State Machine Execution Input: '${input.slice(0, 100)}' is not JSON`,
      );
    }
    const executionArn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    const earlier = this.#running.get(executionArn)?.record ?? this.#finished.get(executionArn);
    if (earlier !== undefined) {
      if (earlier.status === 'RUNNING' && earlier.input === input) return earlier;
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
    }
    const record: ExecutionRecord = {
      executionArn,
      stateMachineArn,
      name,
      status: 'RUNNING',
      startDate: new Date(),
      input,
    };
    this.#store.save(record);
    this.#run(machine, record, parsed);
    this.#onStatus(record, machine.region);
    return record;
  }

  #run(machine: Machine, record: ExecutionRecord, input: unknown): void {
    const { states, definition } = machine.prepared;
    const recorder = new HistoryRecorder(states, (event) => this.#store.append(record.executionArn, event));
    recorder.start(input, machine.roleArn);
    /** States without a task that were entered since the last task: the next one waits for their transitions, too. */
    let passed = 0;
    const transitions = (): Promise<void> => {
      const count = passed + 1;
      passed = 0;
      return this.#pace.wait('stateTransition', count);
    };
    const owner: TaskOwner = {
      arn: machine.arn,
      region: machine.region,
      session: this.#services.access.session(machine.roleArn, record.name),
    };
    const attempt = async (name: string, resource: TaskResource, taskInput: unknown): Promise<unknown> => {
      // By then the library's event of entering this state has arrived.
      await immediate();
      const visit = recorder.claim(name);
      // A Map that has failed still begins its remaining items in the library: they must not do anything.
      if (visit === undefined) throw new TaskAbandoned();
      await transitions();
      if (visit.closed) throw new TaskAbandoned();
      return await runTask(this.#services, recorder, visit, resource, taskInput, owner);
    };
    const handlers: Record<string, (input: unknown) => Promise<unknown>> = {};
    for (const { name, resource } of states.values()) {
      if (resource === undefined) continue;
      handlers[name] = (taskInput) => {
        const result = attempt(name, resource, taskInput);
        // The library forgets the promise when it fails itself in between; that must not end the runtime.
        result.catch(() => {});
        return result;
      };
    }
    const library = new StateMachine(definition as never, { validationOptions: { noValidate: true } });
    const execution = library.run(input as never, {
      overrides: { taskResourceLocalHandlers: handlers as never },
      context: {
        [executionContextKey]: {
          Id: record.executionArn,
          Name: record.name,
          Input: input,
          StartTime: record.startDate.toISOString(),
          RoleArn: machine.roleArn,
        },
        StateMachine: { Id: machine.arn, Name: machine.name },
        Task: { Token: tokenPlaceholder },
      } as never,
    });
    const running: Running = {
      record,
      recorder,
      abort: () => execution.abort(),
      stopReason: {},
      settled: this.#settle(machine, record.executionArn, execution.result),
    };
    this.#running.set(record.executionArn, running);
    void (async () => {
      for await (const event of execution.eventLogs as AsyncIterable<LibraryEvent>) {
        recorder.push(event);
        if (event.type === 'StateEntered' && event.state?.type !== 'Task') passed += 1;
      }
    })();
  }

  async #settle(machine: Machine, arn: string, result: Promise<unknown>): Promise<void> {
    let end: End;
    try {
      end = {
        status: 'SUCCEEDED',
        event: 'ExecutionSucceeded',
        details: { output: JSON.stringify(await result) ?? 'null' },
      };
    } catch (error) {
      end = failure(error, this.#running.get(arn)?.stopReason ?? {});
    }
    // Events of the last moment arrive after the result.
    await immediate();
    await immediate();
    const running = this.#running.get(arn);
    if (running === undefined) return;
    running.recorder.finish(
      end.event,
      end.details.output === undefined ? end.details : { ...end.details, outputDetails: { truncated: false } },
    );
    const record: ExecutionRecord = { ...running.record, status: end.status, stopDate: new Date(), ...end.details };
    this.#store.save(record);
    this.#running.delete(arn);
    this.#finished.set(arn, record);
    this.#onStatus(record, machine.region);
  }

  /** Aborts a running execution; one that is over stays as it is. */
  async stop(arn: string, reason: { error?: string; cause?: string }): Promise<Date> {
    const running = this.#running.get(arn);
    if (running === undefined) return this.execution(arn).stopDate ?? new Date();
    running.stopReason = reason;
    running.abort();
    await running.settled;
    return this.execution(arn).stopDate ?? new Date();
  }

  /** Aborts everything, when the runtime ends. */
  async stopAll(): Promise<void> {
    const reason = { error: 'LocalRuntimeStopped', cause: 'The local runtime ended while this execution ran' };
    await Promise.all([...this.#running.keys()].map((arn) => this.stop(arn, reason)));
  }
}
