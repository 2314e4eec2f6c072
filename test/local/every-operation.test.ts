/** Every operation that the docs say is served, called by the SDK's own client: what it answers is as its model says. */
import { readFileSync } from 'node:fs';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as ec2 from '@aws-sdk/client-ec2';
import * as events from '@aws-sdk/client-eventbridge';
import * as lambda from '@aws-sdk/client-lambda';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as secretsmanager from '@aws-sdk/client-secrets-manager';
import * as states from '@aws-sdk/client-sfn';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { account, stateMachineArn, topicArn } from './fixture/assembly.ts';
import { eventually, type Fixture, instanceIds, startFixture } from './fixture/runtime.ts';

type Input = Record<string, unknown>;
interface Client {
  send(command: unknown): Promise<Record<string, unknown>>;
}
type Make<T> = new (input: never) => T;

const modules: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...{ cloudformation, logs, dynamodb, ec2, events, lambda, scheduler },
  ...{ secretsmanager, states, sns, sqs, ssm, sts },
};
const clientNames: Readonly<Record<string, string>> = {
  ...{
    cloudformation: 'CloudFormationClient',
    logs: 'CloudWatchLogsClient',
    dynamodb: 'DynamoDBClient',
    ec2: 'EC2Client',
  },
  ...{ events: 'EventBridgeClient', lambda: 'LambdaClient', scheduler: 'SchedulerClient', states: 'SFNClient' },
  ...{ secretsmanager: 'SecretsManagerClient', sns: 'SNSClient', sqs: 'SQSClient', ssm: 'SSMClient', sts: 'STSClient' },
};

/** The operations of the table in the docs, by service. */
const documented = [
  ...readFileSync('docs/local-runtime.md', 'utf8').matchAll(/^\| ([a-z0-9, ]+) \| ([A-Z].*) \|$/gm),
].flatMap(([, services = '', lists = '']) =>
  services
    .split(', ')
    .flatMap((service, index) =>
      [...(lists.replace(/\(.*\)/, '').split(';')[index] ?? '').matchAll(/\w+/g)].map(
        ([name]) => [service, name] as const,
      ),
    ),
);

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(async () => {
  await fixture?.end();
});

async function call(service: string, operation: string, input: Input = {}): Promise<Record<string, unknown>> {
  const module = modules[service] ?? {};
  const client = new (module[clientNames[service] ?? ''] as Make<Client>)(fixture.client as never);
  return client.send(new (module[`${operation}Command`] as Make<unknown>)(input as never));
}

const queue = `/${account}/fixture-plain`;
const table = 'fixture-state';
const key = { pk: { S: '1' } };

test('answers', async () => {
  const answered = new Map<string, Record<string, unknown>>();
  /** Calls; an error passes if it is one that the service has by this name. */
  const ask = async (service: string, operation: string, input: Input = {}, refusal?: string) => {
    const answer = await call(service, operation, input).catch((error: Error) => {
      if (refusal === undefined || error.name !== refusal)
        throw new Error(`${service}:${operation}: ${error.name}: ${error.message}`);
      return {};
    });
    answered.set(`${service}:${operation}`, answer as Record<string, unknown>);
    return answer as never;
  };

  // Step Functions
  const machine = { stateMachineArn: stateMachineArn('waiting') };
  await ask('states', 'ListStateMachines');
  await ask('states', 'DescribeStateMachine', machine);
  const { executionArn } = (await ask('states', 'StartExecution', machine)) as { executionArn: string };
  await ask('states', 'DescribeExecution', { executionArn });
  await ask('states', 'GetExecutionHistory', { executionArn });
  await ask('states', 'GetExecutionHistory', { executionArn, includeExecutionData: false, reverseOrder: true });
  await ask('states', 'ListExecutions', machine);
  await ask('states', 'SendTaskHeartbeat', { taskToken: 'x' }, 'InvalidToken');
  await ask('states', 'SendTaskSuccess', { taskToken: 'x', output: '{}' }, 'InvalidToken');
  await ask('states', 'SendTaskFailure', { taskToken: 'x' }, 'InvalidToken');
  await ask('states', 'StopExecution', { executionArn, error: 'Over', cause: 'enough' });
  await ask('states', 'DescribeExecution', { executionArn });
  await ask('states', 'GetExecutionHistory', { executionArn });

  // Systems Manager
  const [InstanceId] = instanceIds;
  const run = { DocumentName: 'fixture-run', InstanceIds: [InstanceId], Parameters: { Exit: ['0'] } };
  await ask('ssm', 'ListDocuments');
  await ask('ssm', 'DescribeDocument', { Name: 'fixture-run' });
  await ask('ssm', 'GetDocument', { Name: 'fixture-run' });
  await ask('ssm', 'DescribeInstanceInformation');
  const sent = await ask('ssm', 'SendCommand', run).catch((error: Error) => error);
  void sent;
  const { Command } = answered.get('ssm:SendCommand') as { Command?: { CommandId?: string } };
  const CommandId = Command?.CommandId ?? '';
  await eventually(
    () => ask('ssm', 'GetCommandInvocation', { CommandId, InstanceId }) as Promise<{ Status?: string }>,
    ({ Status }) => Status === 'Success' || Status === 'Failed',
  );
  await ask('ssm', 'ListCommands');
  await ask('ssm', 'ListCommandInvocations', { Details: true });
  await ask('ssm', 'CancelCommand', { CommandId });

  // Secrets Manager
  const secret = { SecretId: 'fixture/replication' };
  for (const operation of ['GetSecretValue', 'DescribeSecret']) await ask('secretsmanager', operation, secret);
  await ask('secretsmanager', 'PutSecretValue', { ...secret, SecretString: '{"username":"replica"}' });
  await ask('secretsmanager', 'ListSecrets');

  // DynamoDB
  await ask('dynamodb', 'ListTables');
  await ask('dynamodb', 'PutItem', { TableName: table, Item: key });
  await ask('dynamodb', 'UpdateItem', {
    TableName: table,
    Key: key,
    AttributeUpdates: { n: { Action: 'ADD', Value: { N: '1' } } },
  });
  await ask('dynamodb', 'GetItem', { TableName: table, Key: key, ReturnConsumedCapacity: 'TOTAL' });
  await ask('dynamodb', 'BatchGetItem', { RequestItems: { [table]: { Keys: [key] } } });
  await ask('dynamodb', 'BatchWriteItem', { RequestItems: { [table]: [{ PutRequest: { Item: key } }] } });
  const condition = { KeyConditionExpression: 'pk = :id', ExpressionAttributeValues: { ':id': { S: '1' } } };
  await ask('dynamodb', 'Query', { TableName: table, ...condition });
  await ask('dynamodb', 'Scan', { TableName: table });
  const never = { ConditionExpression: 'attribute_not_exists(pk)' };
  await ask('dynamodb', 'PutItem', { TableName: table, Item: key, ...never }, 'ConditionalCheckFailedException');
  await ask('dynamodb', 'DeleteItem', { TableName: table, Key: key, ReturnValues: 'ALL_OLD' });

  // SNS
  const subscriber = {
    TopicArn: topicArn,
    Protocol: 'email',
    Endpoint: 'somebody@example.com',
    ReturnSubscriptionArn: true,
  };
  const { SubscriptionArn } = (await ask('sns', 'Subscribe', subscriber)) as { SubscriptionArn: string };
  await ask('sns', 'ConfirmSubscription', { TopicArn: topicArn, Token: 'x' }, 'InvalidParameterException');
  await ask('sns', 'Publish', { TopicArn: topicArn, Message: 'm', Subject: 's' });
  for (const operation of ['ListTopics', 'ListSubscriptions']) await ask('sns', operation);
  for (const operation of ['ListSubscriptionsByTopic', 'GetTopicAttributes'])
    await ask('sns', operation, { TopicArn: topicArn });
  await ask('sns', 'Unsubscribe', { SubscriptionArn });

  // SQS
  const { QueueUrl } = (await ask('sqs', 'GetQueueUrl', { QueueName: queue.split('/')[2] })) as { QueueUrl: string };
  await ask('sqs', 'ListQueues');
  await ask('sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  await ask('sqs', 'SendMessage', { QueueUrl, MessageBody: 'm' });
  await ask('sqs', 'SendMessageBatch', { QueueUrl, Entries: [{ Id: 'a', MessageBody: 'm' }] });
  const receive = { QueueUrl, MaxNumberOfMessages: 2, MessageSystemAttributeNames: ['All'], WaitTimeSeconds: 1 };
  const received = (await ask('sqs', 'ReceiveMessage', receive)) as { Messages: { ReceiptHandle: string }[] };
  const [first, second = first] = received.Messages;
  await ask('sqs', 'ChangeMessageVisibility', { QueueUrl, ReceiptHandle: first?.ReceiptHandle, VisibilityTimeout: 5 });
  await ask('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle: first?.ReceiptHandle });
  await ask('sqs', 'DeleteMessageBatch', { QueueUrl, Entries: [{ Id: 'a', ReceiptHandle: second?.ReceiptHandle }] });

  // Lambda
  const worker = { FunctionName: 'fixture-worker' };
  await ask('lambda', 'Invoke', { ...worker, Payload: '{"do":"echo"}' });
  await ask('lambda', 'Invoke', { ...worker, InvocationType: 'DryRun' });
  await ask('lambda', 'ListFunctions');
  for (const operation of ['GetFunction', 'GetFunctionConfiguration']) await ask('lambda', operation, worker);

  // EventBridge and Scheduler
  await ask('events', 'PutEvents', {
    Entries: [
      { Source: 'own', DetailType: 'd', Detail: '{}' },
      { Source: 'aws.own', DetailType: 'd', Detail: '{}' },
    ],
  });
  const { Rules } = (await ask('events', 'ListRules')) as { Rules: { Name: string }[] };
  const Name = Rules[0]?.Name;
  for (const operation of ['DescribeRule', 'DisableRule', 'EnableRule']) await ask('events', operation, { Name });
  await ask('events', 'ListTargetsByRule', { Rule: Name });
  await ask('scheduler', 'ListSchedules');
  await ask('scheduler', 'GetSchedule', { Name: 'fixture-tick' });

  // Logs
  const { logGroups } = (await ask('logs', 'DescribeLogGroups')) as { logGroups: { logGroupName: string }[] };
  const logGroupName = logGroups[0]?.logGroupName;
  const stream = { logGroupName, logStreamName: 'own' };
  await ask('logs', 'CreateLogStream', stream);
  await ask('logs', 'PutLogEvents', { ...stream, logEvents: [{ timestamp: Date.now(), message: 'm' }] });
  await ask('logs', 'DescribeLogStreams', { logGroupName });
  await ask('logs', 'GetLogEvents', stream);
  await ask('logs', 'FilterLogEvents', { logGroupName });

  // CloudFormation and STS
  const { Stacks } = (await ask('cloudformation', 'DescribeStacks')) as { Stacks: { StackName: string }[] };
  const StackName = Stacks[0]?.StackName;
  await ask('cloudformation', 'ListStacks');
  for (const operation of ['DescribeStackResources', 'ListStackResources', 'GetTemplate']) {
    await ask('cloudformation', operation, { StackName });
  }
  await ask('sts', 'GetCallerIdentity');

  // EC2
  await ask('ec2', 'DescribeInstances', { Filters: [{ Name: 'tag:Name', Values: ['node*'] }] });
  await ask('ec2', 'DescribeInstanceStatus', { IncludeAllInstances: true });
  await ask('ec2', 'RebootInstances', { InstanceIds: [InstanceId] });
  await eventually(
    () => ask('ec2', 'DescribeInstances') as Promise<{ Reservations: { Instances: { State: { Name: string } }[] }[] }>,
    ({ Reservations }) =>
      Reservations.every(({ Instances }) => Instances.every(({ State }) => State.Name === 'running')),
  );
  await ask('ec2', 'StopInstances', { InstanceIds: [InstanceId], SkipOsShutdown: true });
  await eventually(
    () =>
      ask('ec2', 'DescribeInstances', { InstanceIds: [InstanceId] }) as Promise<{
        Reservations: { Instances: { State: { Name: string } }[] }[];
      }>,
    ({ Reservations }) => Reservations[0]?.Instances[0]?.State.Name === 'stopped',
  );
  await ask('ec2', 'StartInstances', { InstanceIds: [InstanceId] });

  expect([...answered.keys()].sort()).toEqual(documented.map(([service, name]) => `${service}:${name}`).sort());
});
