/** The table of permissions: complete, and in agreement with AWS's service authorization reference. */
import { allowedContextKeysForRequest, isWildcardOnlyAction } from '@cloud-copilot/iam-simulate';
import { describe, expect, it } from 'vitest';
import type { AccessControl } from '../../../local/access/access-control.ts';
import { gateOf } from '../../../local/access/gate.ts';
import { callOf, isListed, listedOperations, type Place } from '../../../local/access/operations.ts';
import { cloudFormationService } from '../../../local/services/cloudformation.ts';
import { dynamoDbService } from '../../../local/services/dynamodb.ts';
import { ec2Service } from '../../../local/services/ec2.ts';
import { eventsService } from '../../../local/services/events.ts';
import { lambdaService } from '../../../local/services/lambda.ts';
import { logsService } from '../../../local/services/logs.ts';
import { schedulerService } from '../../../local/services/scheduler.ts';
import { secretsManagerService } from '../../../local/services/secretsmanager.ts';
import { snsService } from '../../../local/services/sns.ts';
import { sqsService } from '../../../local/services/sqs.ts';
import { ssmService } from '../../../local/services/ssm.ts';
import { statesService } from '../../../local/services/states.ts';
import { stsService } from '../../../local/services/sts.ts';

/** The services, of which nothing is called. */
const nothing = undefined as never;
const services = [
  cloudFormationService([], new Date(0)),
  dynamoDbService(nothing),
  ec2Service(nothing, () => undefined),
  eventsService(nothing),
  lambdaService(nothing),
  logsService(nothing),
  schedulerService(nothing),
  secretsManagerService(nothing),
  snsService(nothing),
  sqsService(nothing),
  ssmService(nothing, nothing, nothing),
  statesService(nothing, nothing),
  stsService('000000000000'),
];

const account = '111122223333';
const region = 'eu-central-1';
const machine = `arn:aws:states:${region}:${account}:stateMachine:pg-sync-setup`;
const execution = `arn:aws:states:${region}:${account}:execution:pg-sync-setup:one`;
const topic = `arn:aws:sns:${region}:${account}:alerts`;
const tableArn = `arn:aws:dynamodb:${region}:${account}:table/state`;
const ownFunction = `arn:aws:lambda:${region}:${account}:function:observe`;

const place: Place = {
  region,
  account,
  secretArn: (id) =>
    id === 'pg-sync/monitoring'
      ? `arn:aws:secretsmanager:${region}:${account}:secret:pg-sync/monitoring-AbCdEf`
      : undefined,
  functionArn: (name) => (name === 'observe' ? ownFunction : undefined),
  partitionKey: (table) => (table === 'state' ? 'id' : undefined),
  machineOfToken: (token) => (token === 'open' ? machine : undefined),
};

/** An input of everything that an operation may be told. */
const input = {
  stateMachineArn: machine,
  executionArn: execution,
  taskToken: 'open',
  DocumentName: 'pg-sync-promote',
  Name: 'pg-sync-promote',
  Rule: 'ended',
  InstanceIds: ['i-00000000000000001', 'i-00000000000000002'],
  InstanceId: ['i-00000000000000001'],
  SecretId: 'pg-sync/monitoring',
  TableName: 'state',
  RequestItems: { state: {} },
  ResourceArn: tableArn,
  TopicArn: topic,
  SubscriptionArn: `${topic}:5be8d7a1`,
  QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/checks`,
  QueueName: 'checks',
  values: { FunctionName: 'observe', Name: 'sweep' },
  logGroupName: '/pg-sync/commands',
  logStreamName: 'one',
  StackName: 'pg-sync',
};

/** Actions that IAM checks against an ARN although the reference knows none. */
const beyondTheReference = ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'];

describe('the table of permissions', () => {
  it('has a line for every operation that is served, so that a new one cannot slip through', () => {
    const missing = services.flatMap(({ name, operations }) =>
      Object.keys(operations)
        .filter((operation) => !isListed(name, operation))
        .map((operation) => `${name}:${operation}`),
    );
    expect(missing).toEqual([]);
  });

  it('refuses, whoever calls it, an operation without a line', async () => {
    const gate = gateOf(nothing as AccessControl, account, () => place);
    await expect(
      gate({ service: 'dynamodb', operation: 'TransactWriteItems', input: {}, region, accessKeyId: 'AKIA' }),
    ).rejects.toThrow('dynamodb:TransactWriteItems is not served by the local runtime');
  });

  it.each(services.map(({ name }) => name).filter((name) => name !== 'sts'))(
    'names actions and resources of %s as the service authorization reference has them',
    async (service) => {
      for (const operation of listedOperations(service)) {
        const call = callOf(service, operation, input, place);
        if (call === undefined) throw new Error(`${service}:${operation} asks for nothing`);
        const [prefix = '', action = ''] = call.action.split(':');
        const knowsResources =
          beyondTheReference.includes(call.action) || !(await isWildcardOnlyAction(prefix, action));
        expect([call.action, call.resources.length > 0]).toEqual([call.action, knowsResources]);
        if (beyondTheReference.includes(call.action)) continue;
        for (const resource of call.resources.length === 0 ? ['*'] : call.resources) {
          const keys = await allowedContextKeysForRequest(prefix, action, resource, false, undefined);
          for (const key of Object.keys(call.context ?? {})) expect(keys).toContain(key.toLowerCase());
        }
      }
    },
  );

  it('asks for the document and for each instance of a command', () => {
    expect(callOf('ssm', 'SendCommand', input, place)).toEqual({
      action: 'ssm:SendCommand',
      resources: [
        `arn:aws:ssm:${region}:${account}:document/pg-sync-promote`,
        `arn:aws:ec2:${region}:${account}:instance/i-00000000000000001`,
        `arn:aws:ec2:${region}:${account}:instance/i-00000000000000002`,
      ],
    });
  });

  it('asks for a secret by its whole ARN, whatever the caller calls it', () => {
    expect(callOf('secretsmanager', 'GetSecretValue', input, place)?.resources).toEqual([
      `arn:aws:secretsmanager:${region}:${account}:secret:pg-sync/monitoring-AbCdEf`,
    ]);
  });

  it.each([
    ['GetItem', { Key: { id: { S: 'lock' } } }, ['lock']],
    ['PutItem', { Item: { id: { S: 'lock' }, owner: { S: 'x' } } }, ['lock']],
    [
      'Query',
      {
        KeyConditionExpression: '#k = :v',
        ExpressionAttributeNames: { '#k': 'id' },
        ExpressionAttributeValues: { ':v': { S: 'lock' } },
      },
      ['lock'],
    ],
    [
      'BatchGetItem',
      { RequestItems: { state: { Keys: [{ id: { S: 'lock' } }, { id: { S: 'checker' } }] } } },
      ['lock', 'checker'],
    ],
    ['BatchWriteItem', { RequestItems: { state: [{ DeleteRequest: { Key: { id: { S: 'lock' } } } }] } }, ['lock']],
  ])('tells the items of dynamodb:%s by their partition key', (operation, more, keys) => {
    const call = callOf('dynamodb', operation, { TableName: 'state', ...more }, place);
    expect(call).toMatchObject({ resources: [tableArn], context: { 'dynamodb:LeadingKeys': keys } });
  });

  it('asks for the state machine that waits for a token, and leaves a token of nobody to Step Functions', () => {
    expect(callOf('states', 'SendTaskSuccess', input, place)?.resources).toEqual([machine]);
    expect(callOf('states', 'SendTaskSuccess', { taskToken: 'forged' }, place)).toBeUndefined();
  });

  it('refuses an input that names no resource where one belongs', () => {
    expect(() => callOf('secretsmanager', 'GetSecretValue', { SecretId: {} }, place)).toThrow(/SecretId/);
    expect(() => callOf('ssm', 'SendCommand', { DocumentName: 'x', InstanceIds: [] }, place)).toThrow(/InstanceIds/);
    expect(() => callOf('dynamodb', 'GetItem', null, place)).toThrow(/TableName/);
  });
});
