/** The local runtime's requests and answers against the published models of AWS's services. */
import { describe, expect, test } from 'vitest';
import { checkedServices } from '../../local/models/checked-services.ts';
import { loadServiceModels } from '../../local/models/service-models.ts';
import { wholeMatch } from '../../local/models/shape-checks.ts';
import { AwsError } from '../../local/protocols/aws-error.ts';
import { RestResult } from '../../local/protocols/rest-json.ts';
import type { Operation, Service } from '../../local/services/service.ts';

const caller = { region: 'eu-central-1', requestId: 'test', principal: undefined };

const answering = (result: unknown): Operation => ({ call: async () => result });

/** Calls one operation of a service that answers with a result. */
async function call(service: Omit<Service, 'operations'>, operation: string, input: unknown, result: unknown = {}) {
  const run = typeof result === 'function' ? { call: async () => result() } : answering(result);
  const [checked] = await checkedServices([{ ...service, operations: { [operation]: run } }]);
  return checked?.operations[operation]?.call(input, caller);
}

const ssm = { name: 'ssm', protocol: 'json' } as const;
const states = { name: 'states', protocol: 'json' } as const;
const ec2 = { name: 'ec2', protocol: 'ec2' } as const;
const sns = { name: 'sns', protocol: 'query' } as const;
const lambda = { name: 'lambda', protocol: 'rest-json' } as const;
const rest = { values: {}, query: {}, headers: {}, body: '' };

describe('inputs', () => {
  const sendCommand = { DocumentName: 'pg-sync-preflight', InstanceIds: ['i-0123456789abcdef0'] };
  const machine = 'arn:aws:states:eu-central-1:000000000000:stateMachine:pg-sync-setup';

  test.each<[string, Parameters<typeof call>, string, RegExp]>([
    ['a missing member', [ssm, 'SendCommand', {}], 'ValidationException', /DocumentName: must not be missing/],
    [
      'an unknown one',
      [ssm, 'SendCommand', { ...sendCommand, Coment: '' }],
      'ValidationException',
      /Coment: is not a m/,
    ],
    [
      'a long text',
      [ssm, 'SendCommand', { ...sendCommand, Comment: 'x'.repeat(101) }],
      'ValidationException',
      /more than 100/,
    ],
    [
      'a small number',
      [ssm, 'SendCommand', { ...sendCommand, TimeoutSeconds: 29 }],
      'ValidationException',
      /29 is less than 30/,
    ],
    [
      'another type',
      [ssm, 'SendCommand', { ...sendCommand, TimeoutSeconds: '60' }],
      'SerializationException',
      /not of the type int/,
    ],
    [
      'a pattern',
      [ssm, 'SendCommand', { ...sendCommand, InstanceIds: ['i-1'] }],
      'ValidationException',
      /InstanceIds\[0\].*pattern/,
    ],
    [
      'an enumeration',
      [states, 'ListExecutions', { stateMachineArn: machine, statusFilter: 'DONE' }],
      'ValidationException',
      /none of RUNNING/,
    ],
    [
      'a long list',
      [ssm, 'SendCommand', { ...sendCommand, InstanceIds: Array(51).fill('i-01234567') }],
      'ValidationException',
      /more than 50/,
    ],
    [
      'EC2: an unknown parameter',
      [ec2, 'StopInstances', { InstanceId: ['i-01234567'], Froce: 'true' }],
      'UnknownParameter',
      /Froce/,
    ],
    ['EC2: a missing one', [ec2, 'StopInstances', { Force: 'true' }], 'MissingParameter', /InstanceId: must not/],
    [
      'EC2: no boolean',
      [ec2, 'StopInstances', { InstanceId: ['i-01234567'], Force: 'yes' }],
      'InvalidParameterValue',
      /Force.*boolean/,
    ],
    ['query', [sns, 'Publish', { Topic: 'x', Message: 'y' }], 'InvalidParameter', /Topic: is not a member/],
    [
      'REST: in the path',
      [lambda, 'GetFunction', { ...rest, values: { FunctionName: 'a b' } }],
      'ValidationException',
      /FunctionName/,
    ],
    [
      'REST: in the query',
      [lambda, 'ListFunctions', { ...rest, query: { MaxItems: '0' } }],
      'ValidationException',
      /MaxItems: 0 is less/,
    ],
    [
      'REST: in a header',
      [lambda, 'Invoke', { ...rest, values: { FunctionName: 'f' }, headers: { 'x-amz-invocation-type': 'Sync' } }],
      'ValidationException',
      /InvocationType.*none of/,
    ],
    [
      'DynamoDB',
      [{ name: 'dynamodb', protocol: 'json' }, 'GetItem', { TableName: 't', Key: { id: { S: 1 } } }],
      'SerializationException',
      /Key.id.S/,
    ],
  ])('%s', async (_what, request, code, message) => {
    const refusal = await call(...request).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(AwsError);
    expect(refusal).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('are let through as clients write them', async () => {
    await expect(
      call(ec2, 'StopInstances', { InstanceId: ['i-01234567'], Force: 'true', SkipOsShutdown: 'true' }),
    ).resolves.toEqual({});
    await expect(
      call(ec2, 'DescribeInstances', { Filter: [{ Name: 'tag:Name', Value: ['a'] }], MaxResults: '5' }),
    ).resolves.toEqual({});
    const attributes = [{ Name: 'severity', Value: { DataType: 'String', StringValue: 'critical' } }];
    const published = { MessageId: '1' };
    await expect(call(sns, 'Publish', { Message: 'm', MessageAttributes: attributes }, published)).resolves.toEqual(
      published,
    );
    await expect(
      call(sns, 'Publish', { Message: 'm', MessageAttributes: [{ Name: 'x', Value: 'y' }] }),
    ).rejects.toMatchObject({ code: 'InvalidParameter', message: expect.stringContaining('is not a structure') });
  });

  test('what is secret is not shown', async () => {
    const secrets = { name: 'secretsmanager', protocol: 'json' } as const;
    const refusal = call(secrets, 'PutSecretValue', { SecretId: 's', SecretString: ['hush'] });
    await expect(refusal).rejects.toThrow(/SecretString: the value is not of the type string/);
  });
});

describe('answers', () => {
  const command = { CommandId: '11111111-2222-3333-4444-555555555555' };

  test.each<[string, Parameters<typeof call>, RegExp]>([
    [
      'an unknown member',
      [ssm, 'CancelCommand', command, { Done: true }],
      /^ssm:CancelCommand answered.*Done: is not a member/,
    ],
    ['a missing one', [states, 'ListStateMachines', {}, {}], /stateMachines: must not be missing/],
    [
      'an enumeration',
      [ssm, 'ListCommands', {}, { Commands: [{ Status: 'Done' }] }],
      /Commands\[0\]\.Status: "Done" is none of Pending/,
    ],
    ['null', [ssm, 'ListCommands', {}, { NextToken: null }], /NextToken: null is not of the type string/],
    [
      'text for a time',
      [ssm, 'ListCommands', {}, { Commands: [{ RequestedDateTime: '2026-01-01' }] }],
      /RequestedDateTime.*timestamp/,
    ],
    [
      'EC2, by the names on the wire',
      [ec2, 'StopInstances', { InstanceId: ['i-01234567'] }, { StoppingInstances: [] }],
      /StoppingInstances: is not a member/,
    ],
    [
      'EC2, a number for text',
      [ec2, 'DescribeInstances', {}, { reservationSet: [{ ownerId: 1 }] }],
      /ownerId: 1 is not of the type string/,
    ],
    [
      'REST, a header',
      [lambda, 'Invoke', { ...rest, values: { FunctionName: 'f' } }, new RestResult(200, { 'x-amz-oops': '1' }, '')],
      /x-amz-oops: is not a header/,
    ],
  ])('%s', async (_what, request, message) => {
    await expect(call(...request)).rejects.toMatchObject({
      name: 'ModelViolation',
      message: expect.stringMatching(message),
    });
  });

  test('are let through as AWS gives them', async () => {
    const at = new Date();
    const result = { Commands: [{ ...command, Status: 'Success', RequestedDateTime: at, Comment: undefined }] };
    await expect(call(ssm, 'ListCommands', {}, result)).resolves.toBe(result);
    const state = { code: 64, name: 'stopping' };
    const stopping = { instancesSet: [{ instanceId: 'i-01234567', currentState: state, previousState: state }] };
    await expect(call(ec2, 'StopInstances', { InstanceId: ['i-01234567'] }, stopping)).resolves.toBe(stopping);
    // The model's pattern of these texts is wrong, as its documentation shows.
    const times = {
      ExecutionStartDateTime: '2026-01-01T00:00:00.123Z',
      ExecutionElapsedTime: 'PT0.4S',
      ExecutionEndDateTime: '',
    };
    const invocation = { ...command, InstanceId: 'i-01234567' };
    await expect(call(ssm, 'GetCommandInvocation', invocation, times)).resolves.toBe(times);
  });

  test('an error that an operation does not have is the fault of the runtime', async () => {
    const failing = (code: string, status?: number) => () => {
      throw new AwsError(code, 'because', status);
    };
    const input = { ...command, InstanceId: 'i-01234567' };
    await expect(call(ssm, 'GetCommandInvocation', input, failing('NoSuchCommand'))).rejects.toMatchObject({
      name: 'ModelViolation',
      message: expect.stringContaining('NoSuchCommand: because'),
    });
    for (const code of ['InvocationDoesNotExist', 'AccessDeniedException']) {
      await expect(call(ssm, 'GetCommandInvocation', input, failing(code))).rejects.toMatchObject({
        name: 'AwsError',
        code,
      });
    }
    const found = { ...rest, values: { FunctionName: 'f' } };
    await expect(call(lambda, 'GetFunction', found, failing('ResourceNotFoundException', 400))).rejects.toThrow(/404/);
  });
});

describe('registration', () => {
  const serve = (service: Service) => checkedServices([service]);
  const operations = { GetFunction: answering({}) };

  test('is refused to what AWS does not have', async () => {
    await expect(serve({ ...ssm, operations: { SendCommands: answering({}) } })).rejects.toThrow(
      'ssm:SendCommands is not an operation of AWS: no model knows it',
    );
    await expect(serve({ name: 'ssmx', protocol: 'json', operations })).rejects.toThrow('service ssmx');
    await expect(serve({ ...lambda, protocol: 'query', operations })).rejects.toThrow('lambda does not speak query');
    const routes = [{ method: 'GET', path: '/functions/{FunctionName}', operation: 'GetFunction' }];
    await expect(serve({ ...lambda, routes, operations })).rejects.toThrow(
      'GetFunction is not reached by GET /functions',
    );
  });
});

test('every pattern of the models can be read', async () => {
  const names = ['states', 'ssm', 'secretsmanager', 'sns', 'sqs', 'lambda', 'events', 'scheduler', 'logs', 'ec2'];
  const models = await loadServiceModels([...names, 'cloudformation', 'sts', 'dynamodb']);
  for (const model of models.values()) {
    for (const { pattern } of Object.values(model.shapes)) if (pattern !== undefined) wholeMatch(pattern);
  }
});
