/** Step Functions through the newest SDK client: the fixture's state machines, run for real. */
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stateMachineArn } from './fixture/assembly.ts';
import { eventually, type Fixture, instanceIds, startFixture } from './fixture/runtime.ts';

let fixture: Fixture;
let sfn: SFNClient;

beforeAll(async () => {
  fixture = await startFixture();
  sfn = new SFNClient(fixture.client);
});
afterAll(() => fixture.end());

async function start(machine: string, input: object, name?: string): Promise<string> {
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn: stateMachineArn(machine), input: JSON.stringify(input), name }),
  );
  return executionArn ?? '';
}

const describeExecution = (executionArn: string) => sfn.send(new DescribeExecutionCommand({ executionArn }));

const ended = (executionArn: string) =>
  eventually(
    () => describeExecution(executionArn),
    ({ status }) => status !== 'RUNNING',
    25,
  );

async function history(executionArn: string): Promise<HistoryEvent[]> {
  const { events } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
  return events ?? [];
}

/** Token of the task that an execution waits in. */
async function taskToken(executionArn: string): Promise<string> {
  const events = await eventually(
    () => history(executionArn),
    (all) => all.some(({ type }) => type === 'TaskSubmitted'),
  );
  const { taskScheduledEventDetails: details } = events.find(({ type }) => type === 'TaskScheduled') ?? {};
  return JSON.parse(details?.parameters ?? '{}').Payload.token;
}

test('a task whose role may not invoke the function fails as it does on AWS', async () => {
  const { status, error, cause } = await ended(await start('forbidden', {}));
  expect([status, error]).toEqual(['FAILED', 'Lambda.AWSLambdaException']);
  expect(cause).toMatch(
    /is not authorized to perform: lambda:InvokeFunction on resource: \S+:function:fixture-worker because no identity-based policy allows the lambda:InvokeFunction action \(Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException\)$/,
  );
});

describe('a run to the end', () => {
  let executionArn: string;
  beforeAll(async () => {
    executionArn = await start('flow', { hosts: instanceIds, exit: 0 }, 'whole');
    await ended(executionArn);
  });

  test('Map, task tokens, Retry, Catch, Parallel, Choice and context work together', async () => {
    const { status, output, error, cause } = await describeExecution(executionArn);
    expect({ status, error, cause }).toEqual({ status: 'SUCCEEDED', error: undefined, cause: undefined });
    const { commands, caught, both } = JSON.parse(output ?? '{}');
    expect(
      commands.map(({ index, result }: { index: number; result: { said: string } }) => [index, result.said]),
    ).toEqual([
      [0, 'on node1 with 0'],
      [1, 'on node2 with 0'],
    ]);
    expect(caught.Error).toBe('Flaky');
    expect(JSON.parse(caught.Cause)).toMatchObject({ errorType: 'Flaky', errorMessage: 'no whole' });
    expect(both[0].payload.input).toEqual({ hosts: instanceIds, exit: 0 });
    expect(both[1]).toEqual({ state: 'Right' });
  });

  test('the history is AWS’s: consecutive ids, each event after one of its branch, tasks in all their phases', async () => {
    const events = await history(executionArn);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    for (const { id, previousEventId } of events) expect(previousEventId).toBeLessThan(id ?? 0);
    const phases = (name: string) => {
      const entered = events.filter(({ stateEnteredEventDetails: details }) => details?.name === name);
      return entered.map((first) => {
        const types = [first.type];
        for (let last = first; ; ) {
          const next = events.find(
            ({ previousEventId, type }) => previousEventId === last.id && /^Task/.test(type ?? ''),
          );
          if (next === undefined) return types;
          types.push(next.type);
          last = next;
        }
      });
    };
    const command = [
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
    ];
    expect(phases('Run command')).toEqual([command, command]);
    const attempt = ['TaskScheduled', 'TaskStarted', 'TaskFailed'];
    expect(phases('Fails twice')).toEqual([['TaskStateEntered', ...attempt, ...attempt, 'TaskStateExited']]);
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('ExecutionStarted');
    expect(types.at(-1)).toBe('ExecutionSucceeded');
    expect(events.find(({ type }) => type === 'MapStateStarted')?.mapStateStartedEventDetails).toEqual({ length: 2 });
    const count = (wanted: string) => types.filter((type) => type === wanted).length;
    expect(
      ['MapIterationStarted', 'MapIterationSucceeded', 'ParallelStateStarted', 'ParallelStateSucceeded'].map(count),
    ).toEqual([2, 2, 1, 1]);
  });

  test('history comes in pages, backwards, and without data', async () => {
    const pages: (number | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await sfn.send(
        new GetExecutionHistoryCommand({
          executionArn,
          maxResults: 20,
          reverseOrder: true,
          includeExecutionData: false,
          nextToken,
        }),
      );
      for (const event of answer.events ?? []) {
        pages.push(event.id);
        expect(event.stateEnteredEventDetails?.input).toBeUndefined();
      }
      nextToken = answer.nextToken;
    } while (nextToken !== undefined);
    expect(pages).toEqual((await history(executionArn)).map(({ id }) => id).reverse());
  });

  test('the name of a finished execution is taken', async () => {
    await expect(start('flow', { hosts: instanceIds, exit: 0 }, 'whole')).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    });
  });
});

test('a failed command fails its task, ends the Map, and reaches the Fail state’s paths', async () => {
  const { status, error, cause } = await ended(await start('flow', { hosts: instanceIds.slice(0, 1), exit: 7 }));
  expect({ status, error, cause }).toEqual({ status: 'FAILED', error: 'CommandFailed', cause: 'on node1 with 7' });
});

test('a task that nobody answers times out as States.Timeout, and its token is worthless', async () => {
  const executionArn = await start('waiting', {});
  const token = await taskToken(executionArn);
  const { status, error } = await ended(executionArn);
  expect({ status, error }).toEqual({ status: 'FAILED', error: 'States.Timeout' });
  expect((await history(executionArn)).map(({ type }) => type)).toContain('TaskTimedOut');
  await expect(sfn.send(new SendTaskSuccessCommand({ taskToken: token, output: '1' }))).rejects.toMatchObject({
    name: 'TaskTimedOut',
  });
});

test('a token is answered once, with JSON, or with an error', async () => {
  const first = await start('waiting', {});
  const token = await taskToken(first);
  const succeed = (output: string, taskToken = token) => sfn.send(new SendTaskSuccessCommand({ taskToken, output }));
  await expect(succeed('not json')).rejects.toMatchObject({ name: 'InvalidOutput' });
  await expect(succeed('1', 'nonsense')).rejects.toMatchObject({ name: 'InvalidToken' });
  await expect(succeed('1', 'A'.repeat(100))).rejects.toMatchObject({ name: 'TaskDoesNotExist' });
  await succeed('{"fine":true}');
  await expect(succeed('2')).rejects.toMatchObject({ name: 'TaskTimedOut' });
  expect(await ended(first)).toMatchObject({ status: 'SUCCEEDED', output: '{"fine":true}' });

  const second = await start('waiting', {});
  await sfn.send(new SendTaskFailureCommand({ taskToken: await taskToken(second), error: 'Wrong', cause: 'because' }));
  expect(await ended(second)).toMatchObject({ status: 'FAILED', error: 'Wrong', cause: 'because' });
});

test('the same name with the same input is the same running execution; StopExecution aborts it', async () => {
  const executionArn = await start('waiting', {}, 'once');
  expect(await start('waiting', {}, 'once')).toBe(executionArn);
  await expect(start('waiting', { other: true }, 'once')).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await sfn.send(new StopExecutionCommand({ executionArn, error: 'Enough', cause: 'test' }));
  expect(await describeExecution(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Enough', cause: 'test' });
  const { executions } = await sfn.send(
    new ListExecutionsCommand({ stateMachineArn: stateMachineArn('waiting'), statusFilter: 'ABORTED' }),
  );
  expect(executions?.map(({ name }) => name)).toEqual(['once']);
});

test('errors are AWS’s', async () => {
  await expect(start('none', {})).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
  await expect(
    sfn.send(new StartExecutionCommand({ stateMachineArn: stateMachineArn('waiting'), input: '{' })),
  ).rejects.toMatchObject({ name: 'InvalidExecutionInput' });
  await expect(
    describeExecution(`${stateMachineArn('waiting').replace('stateMachine', 'execution')}:none`),
  ).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
});

test('executions survive a restart of the runtime; one that ran then is aborted', async () => {
  const executionArn = await start('waiting', {}, 'interrupted');
  await taskToken(executionArn);
  await fixture.restart();
  sfn = new SFNClient(fixture.client);
  expect(await describeExecution(executionArn)).toMatchObject({ status: 'ABORTED', error: 'LocalRuntimeStopped' });
  expect((await history(executionArn)).at(-1)?.type).toBe('ExecutionAborted');
  const { executions } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: stateMachineArn('flow') }));
  expect(executions?.map(({ name }) => name)).toContain('whole');
});
