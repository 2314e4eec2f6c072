import { describe, expect, it } from 'vitest';
import { commandOutcome, type Invocation } from '../../lambdas/domain/command-outcome.ts';
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

  it.each(['Pending', 'InProgress', 'In Progress', 'Delayed', 'Cancelling'])('%s is not the end', (statusDetails) => {
    expect(commandOutcome(invocation({ statusDetails }))).toEqual({ kind: 'pending' });
  });

  it('quotes what a broken script said', () => {
    const outcome = commandOutcome(
      invocation({ statusDetails: 'Failed', responseCode: 127, standardError: 'bash: foo: command not found\n' }),
    );
    expect(outcome).toMatchObject({ cause: expect.stringContaining('bash: foo: command not found') });
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

  it('to an unknown node is refused with the nodes that exist', () => {
    expect(() => outgoingCommand(exampleCluster(), { ...input, node: 'pg_sync_slave09' }, new Date())).toThrow(
      /pg_sync_slave01, pg_sync_slave02/,
    );
  });
});
