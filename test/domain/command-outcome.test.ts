import { describe, expect, it } from 'vitest';
import { nodeCommandNames, nodeCommands } from '../../lambdas/contract/node-commands.ts';
import {
  type CommandOutcome,
  commandOutcome,
  type Invocation,
  outcomeOnInstance,
} from '../../lambdas/domain/command-outcome.ts';
import { explainFailure } from '../../lambdas/domain/failure.ts';
import { outgoingCommand } from '../../lambdas/domain/outgoing-command.ts';
import { exampleCluster } from '../support/example-cluster.ts';

function invocation(overrides: Partial<Invocation>): Invocation {
  return {
    instanceId: 'i-1',
    statusDetails: 'Success',
    responseCode: 0,
    standardOutput: '',
    standardError: '',
    ...overrides,
  };
}

describe('the end of a command', () => {
  it('is a success with the result of its last line', () => {
    const standardOutput = 'noise\n{"ok":true,"result":{"changed":false}}\n';
    expect(commandOutcome(invocation({ standardOutput }))).toEqual({ kind: 'success', result: { changed: false } });
  });

  it('is the script’s own error, with its remedy', () => {
    const standardOutput = '{"ok":false,"error":"DataDirectoryNotEmpty","message":"it holds x","remedy":"move x"}';
    expect(commandOutcome(invocation({ statusDetails: 'Failed', responseCode: 1, standardOutput }))).toEqual({
      kind: 'failure',
      error: 'DataDirectoryNotEmpty',
      cause: 'it holds x\nmove x',
    });
  });

  it.each([
    ['DeliveryTimedOut', 'HostUnreachable'],
    ['Delivery Timed Out', 'HostUnreachable'],
    ['Undeliverable', 'HostUnreachable'],
    ['ExecutionTimedOut', 'CommandTimedOut'],
    ['Execution Timed Out', 'CommandTimedOut'],
    ['Cancelled', 'CommandCancelled'],
    ['Failed', 'CommandFailed'],
    ['Success', 'CommandFailed'], // without a result line, "Success" proves nothing
  ])('%s is %s', (statusDetails, error) => {
    expect(commandOutcome(invocation({ statusDetails }))).toMatchObject({ kind: 'failure', error });
  });

  it.each([
    ['Pending', false],
    ['Delayed', false],
    ['InProgress', true],
    ['In Progress', true],
    ['Cancelling', true],
  ])('%s is not the end; the agent has taken it: %s', (statusDetails, taken) => {
    expect(commandOutcome(invocation({ statusDetails }))).toEqual({ kind: 'pending', taken });
  });

  it('quotes what a broken script said', () => {
    const outcome = commandOutcome(
      invocation({ statusDetails: 'Failed', responseCode: 127, standardError: 'bash: foo: command not found\n' }),
    );
    expect(outcome).toMatchObject({ cause: expect.stringContaining('bash: foo: command not found') });
  });
});

describe('a command that has not ended', () => {
  const sentAt = new Date('2026-01-01T00:00:00.900Z');
  const minutesLater = (minutes: number) => new Date(sentAt.getTime() + minutes * 60_000);
  const judge = (
    gone: { state: string; at: Date } | null,
    lastPing: Date | null,
    outcome: CommandOutcome = { kind: 'pending', taken: true },
  ) => outcomeOnInstance(outcome, 'i-1', sentAt, { gone, lastPing }, minutesLater(60));

  it('has failed when its instance stopped after it was sent', () => {
    const outcome = judge({ state: 'stopping', at: minutesLater(1) }, minutesLater(60));
    expect(outcome).toMatchObject({
      kind: 'failure',
      error: 'HostUnreachable',
      cause: expect.stringContaining('stopping'),
    });
  });

  it('has failed when its instance stopped in the same second', () => {
    expect(judge({ state: 'stopped', at: new Date('2026-01-01T00:00:00Z') }, null).kind).toBe('failure');
  });

  it('is still waited for when the instance stopped before, and came back', () => {
    expect(judge({ state: 'stopped', at: minutesLater(-1) }, minutesLater(60)).kind).toBe('pending');
  });

  it.each([
    ['45 minutes', minutesLater(14), 'failure'],
    ['14 minutes', minutesLater(46), 'pending'],
    ['a time nobody knows', null, 'pending'],
    ['long before it was sent', minutesLater(-600), 'failure'],
  ])('after SSM has not heard of the agent for %s', (_title, lastPing, kind) => {
    expect(judge(null, lastPing).kind).toBe(kind);
  });

  it.each([
    [false, 119, 'pending'],
    [false, 121, 'failure'],
    [true, 121, 'pending'],
  ])('that the agent has taken (%s) is, after %i s, %s', (taken, seconds, kind) => {
    const now = new Date(sentAt.getTime() + seconds * 1000);
    const outcome = outcomeOnInstance({ kind: 'pending', taken }, 'i-1', sentAt, { gone: null, lastPing: now }, now);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === 'failure') expect(outcome).toMatchObject({ error: 'HostUnreachable' });
  });

  it('keeps its result when the instance stops afterwards', () => {
    const success = { kind: 'success', result: {} } as const;
    expect(judge({ state: 'stopped', at: minutesLater(1) }, null, success)).toBe(success);
  });
});

describe('causes for people', () => {
  it.each([
    [
      {
        Error: 'TwoPrimaries',
        Cause: '{"errorType":"TwoPrimaries","errorMessage":"a and b\\nstop one","trace":["x"]}',
      },
      'a and b\nstop one',
    ],
    [{ Error: 'StartFailed', Cause: 'FATAL:  could not …' }, 'FATAL:  could not …'],
    [{ Error: 'StartFailed', Cause: '{not JSON' }, '{not JSON'],
  ])('%o', (failure, cause) => {
    expect(explainFailure(failure)).toEqual({ error: failure.Error, cause });
  });

  it('says something about a timeout, which has no cause', () => {
    expect(explainFailure({ Error: 'States.Timeout', Cause: '' }).cause).toMatch(/execution history/);
  });
});

describe('an outgoing command', () => {
  const input = {
    taskToken: 'token',
    command: 'preflight',
    node: 'pg_sync_slave01',
    epoch: 7,
    parameters: {},
  } as const;

  it('goes to the instance of its node and expires', () => {
    const command = outgoingCommand(exampleCluster(), input, new Date('2026-01-01T00:00:00Z'));
    expect(command).toMatchObject({ document: 'pg-sync-preflight', instanceId: 'i-0a1b2c3d4e5f60134' });
    expect(command.parameters).toEqual({
      Node: 'pg_sync_slave01',
      TaskToken: 'token',
      Epoch: '7',
      NotAfter: '1767225720',
    });
  });

  it.each(nodeCommandNames)('%s carries no empty value, whatever it is given', (command) => {
    const parameters = Object.fromEntries(Object.keys(nodeCommands[command].parameters).map((name) => [name, '']));
    const sent = outgoingCommand(exampleCluster(), { ...input, command, parameters }, new Date()).parameters;
    expect(Object.keys(sent)).toEqual(expect.arrayContaining(Object.keys(parameters)));
    expect(Object.values(sent)).not.toContain('');
  });

  it('to an unknown node is refused with the nodes that exist', () => {
    expect(() => outgoingCommand(exampleCluster(), { ...input, node: 'pg_sync_slave09' }, new Date())).toThrow(
      /pg_sync_slave01, pg_sync_slave02/,
    );
  });
});
