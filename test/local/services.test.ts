/** The other services through the newest SDK clients, and what they refuse. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { GetScheduleCommand, ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { CreateStateMachineCommand, RedriveExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import {
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { region, stateMachineArn, topicArn } from './fixture/assembly.ts';
import { eventually, type Fixture, startFixture } from './fixture/runtime.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.end());

describe('Lambda', () => {
  async function invoke(event: object, name = 'fixture-worker') {
    const lambda = new LambdaClient(fixture.client);
    const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }));
    return { error: answer.FunctionError, payload: JSON.parse(new TextDecoder().decode(answer.Payload) || 'null') };
  }

  test('a bundle runs with Lambda’s environment, warm the second time', async () => {
    const { payload } = await invoke({ do: 'environment' });
    expect(payload).toMatchObject({ functionName: 'fixture-worker', isCommonJs: true });
    expect(payload.remaining).toBeGreaterThan(4_000);
    expect(payload.environment).toMatchObject({
      COLOUR: 'green',
      AWS_REGION: region,
      AWS_ENDPOINT_URL: fixture.client.endpoint,
      AWS_LAMBDA_FUNCTION_NAME: 'fixture-worker',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      TZ: 'UTC',
    });
    expect((await invoke({ do: 'environment' })).payload.invocations).toBe(payload.invocations + 1);
  });

  test('the code of a function may do what its role allows, and nothing else', async () => {
    const { payload } = await invoke({ do: 'trespass', machine: stateMachineArn('flow') });
    const why = (action: string, resource: string) =>
      new RegExp(
        `^AccessDeniedException: User: arn:aws:sts::\\d{12}:assumed-role/fixture-workerServiceRole\\S+/fixture-worker is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action$`,
      );
    expect(payload).toEqual([
      expect.stringMatching(why('states:ListExecutions', stateMachineArn('flow'))),
      expect.stringMatching(why('dynamodb:GetItem', `arn:aws:dynamodb:${region}:\\d{12}:table/fixture-state`)),
    ]);
  });

  test('a function in the VPC has neither endpoint nor credentials', async () => {
    const { environment } = (await invoke({ do: 'environment' }, 'fixture-in-vpc')).payload;
    expect(Object.keys(environment).filter((name) => /ENDPOINT|ACCESS_KEY|TOKEN/.test(name))).toEqual([]);
    expect(environment.AWS_SHARED_CREDENTIALS_FILE).toBe('/dev/null');
  });

  test('one event per instance at a time: two at once are two instances', async () => {
    const wait = { do: 'wait', milliseconds: 2000 };
    // Until all three instances are there.
    await Promise.all([invoke(wait), invoke(wait), invoke(wait)]);
    const started = performance.now();
    await Promise.all([invoke(wait), invoke(wait), invoke(wait)]);
    // One after the other they would take six seconds.
    expect(performance.now() - started).toBeLessThan(5_500);
  });

  test.each([
    [
      'an error of its own',
      { do: 'fail', name: 'DiskTooSmall', message: 'by 3 bytes' },
      { errorType: 'DiskTooSmall', errorMessage: 'by 3 bytes' },
    ],
    [
      'process.exit',
      { do: 'exit' },
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 3') },
    ],
    ['a full heap', { do: 'fill' }, { errorType: 'Runtime.OutOfMemory' }],
    [
      'a loop',
      { do: 'block' },
      { errorType: 'Sandbox.Timedout', errorMessage: expect.stringMatching(/Task timed out after 5\.00 seconds$/) },
    ],
  ])('ends with %s, and the next invocation is fine', async (_what, event, error) => {
    expect(await invoke(event)).toMatchObject({ error: 'Unhandled', payload: error });
    expect(await invoke({ do: 'echo', x: 1 })).toEqual({ error: undefined, payload: { do: 'echo', x: 1 } });
  });

  test('what it prints is in its log group', async () => {
    const logs = new CloudWatchLogsClient(fixture.client);
    await invoke({ do: 'say', text: 'a line to be found' });
    const { events } = await eventually(
      () =>
        logs.send(
          new FilterLogEventsCommand({ logGroupName: '/aws/lambda/fixture-worker', filterPattern: '"to be found"' }),
        ),
      ({ events: found }) => found?.length === 1,
    );
    expect(events?.[0]?.message).toBe('a line to be found');
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/lambda/' }));
    expect(logGroups?.map(({ logGroupName }) => logGroupName)).toContain('/aws/lambda/fixture-worker');
  });

  test('lists functions; an unknown one is not found', async () => {
    const lambda = new LambdaClient(fixture.client);
    const { Functions } = await lambda.send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual([
      'fixture-complete',
      'fixture-consume',
      'fixture-in-vpc',
      'fixture-send',
      'fixture-worker',
    ]);
    expect(await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'fixture-worker' }))).toMatchObject({
      Timeout: 5,
    });
    await expect(invoke({}, 'none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('SNS', () => {
  test('a message per protocol: mail as a file, JSON to a function', async () => {
    const sns = new SNSClient(fixture.client);
    const message = { default: 'default text', email: 'Grüße: writes are blocked', lambda: '{"status":"blocked"}' };
    const { MessageId } = await sns.send(
      new PublishCommand({
        TopicArn: topicArn,
        Subject: 'writes blocked',
        MessageStructure: 'json',
        Message: JSON.stringify(message),
      }),
    );
    const folder = join(fixture.directory, 'mail');
    const [file] = await eventually(
      () => readdirSync(folder).filter((name) => name.endsWith('.eml')),
      (found) => found.length === 1,
    );
    const mail = readFileSync(join(folder, file ?? ''), 'utf8');
    expect(mail).toMatch(/^Subject: writes blocked\r$/m);
    expect(mail).toMatch(/^To: dba@example\.com\r$/m);
    expect(mail).toContain(MessageId);
    expect(mail).toContain('Gr=C3=BC=C3=9Fe: writes are blocked');
  });

  test('an http subscriber is asked to confirm, then gets notifications, again when it fails', async () => {
    const sns = new SNSClient(fixture.client);
    const received: { type: string; body: Record<string, string> }[] = [];
    let failures = 1;
    const subscriber = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const type = String(request.headers['x-amz-sns-message-type']);
      if (type === 'Notification' && failures-- > 0) response.statusCode = 503;
      else received.push({ type, body: JSON.parse(body) });
      response.end();
    });
    await new Promise<void>((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
    const { port } = subscriber.address() as { port: number };
    try {
      const Endpoint = `http://127.0.0.1:${port}/hook`;
      const answer = await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'http', Endpoint }));
      expect(answer.SubscriptionArn).toBe('pending confirmation');
      const [confirmation] = await eventually(
        () => received,
        ({ length }) => length === 1,
      );
      expect(confirmation?.body).toMatchObject({ Type: 'SubscriptionConfirmation', TopicArn: topicArn });
      expect((await fetch(confirmation?.body.SubscribeURL ?? '')).status).toBe(200);
      const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topicArn }));
      const own = Subscriptions?.find((subscription) => subscription.Endpoint === Endpoint);
      expect(own?.SubscriptionArn).toMatch(/^arn:/);
      await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: 's', Message: 'm' }));
      const [, notification] = await eventually(
        () => received,
        ({ length }) => length === 2,
      );
      expect(notification).toMatchObject({
        type: 'Notification',
        body: { Subject: 's', Message: 'm', SignatureVersion: '1' },
      });
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: own?.SubscriptionArn }));
      const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
      expect(Attributes).toMatchObject({ SubscriptionsConfirmed: '2', SubscriptionsPending: '0' });
    } finally {
      subscriber.close();
    }
  });

  test.each([
    ['a subject of 101 characters', { Subject: 'x'.repeat(101), Message: 'm' }],
    ['a subject that is not ASCII', { Subject: 'ü', Message: 'm' }],
    ['more than 256 KiB', { Message: 'x'.repeat(262_145) }],
    ['a structure without a default', { MessageStructure: 'json', Message: '{"email":"x"}' }],
  ])('refuses %s', async (_what, message) => {
    const sns = new SNSClient(fixture.client);
    await expect(sns.send(new PublishCommand({ TopicArn: topicArn, ...message }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
  });
});

test('secrets are generated once, kept privately, and keep their previous version', async () => {
  let secrets = new SecretsManagerClient(fixture.client);
  const SecretId = 'fixture/replication';
  const value = async (VersionStage?: string) =>
    JSON.parse((await secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString ?? '{}');
  const generated = await value();
  expect(generated).toEqual({ username: 'replica', password: expect.stringMatching(/^[A-Za-z0-9]{24}$/) });
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: '{"username":"other"}' }));
  await fixture.restart();
  secrets = new SecretsManagerClient(fixture.client);
  expect(await value()).toEqual({ username: 'other' });
  expect(await value('AWSPREVIOUS')).toEqual(generated);
  expect(
    Object.keys((await secrets.send(new DescribeSecretCommand({ SecretId }))).VersionIdsToStages ?? {}),
  ).toHaveLength(2);
  const [file] = readdirSync(join(fixture.directory, 'secrets'));
  expect(statSync(join(fixture.directory, 'secrets', file ?? '')).mode & 0o777).toBe(0o600);
  await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'none' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('the table keeps its items over a restart and honours conditions', async () => {
  const TableName = 'fixture-state';
  const put = (client: DynamoDBClient) =>
    client.send(
      new PutItemCommand({
        TableName,
        Item: { pk: { S: 'lock' }, n: { N: '1' } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
  await put(new DynamoDBClient(fixture.client));
  await fixture.restart();
  const table = new DynamoDBClient(fixture.client);
  await expect(put(table)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  expect((await table.send(new GetItemCommand({ TableName, Key: { pk: { S: 'lock' } } }))).Item?.n).toEqual({ N: '1' });
});

test('EventBridge: rules of the stack, and events of one’s own', async () => {
  const events = new EventBridgeClient(fixture.client);
  const { Rules } = await events.send(new ListRulesCommand({}));
  const Name = Rules?.[0]?.Name ?? '';
  expect(Rules).toHaveLength(1);
  const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: Name }));
  expect(Targets?.[0]?.Arn).toContain(':function:fixture-complete');
  await events.send(new DisableRuleCommand({ Name }));
  expect(await events.send(new DescribeRuleCommand({ Name }))).toMatchObject({ State: 'DISABLED' });
  const entry = (Source: string, Detail: string) => ({ Source, DetailType: 'd', Detail });
  const answer = await events.send(
    new PutEventsCommand({ Entries: [entry('own', '{}'), entry('own', '{'), entry('aws.ssm', '{}')] }),
  );
  expect(answer).toMatchObject({
    FailedEntryCount: 2,
    Entries: [{ EventId: expect.any(String) }, { ErrorCode: 'MalformedDetail' }, {}],
  });
});

test('Scheduler, CloudFormation and STS tell what there is', async () => {
  const scheduler = new SchedulerClient(fixture.client);
  expect((await scheduler.send(new ListSchedulesCommand({}))).Schedules?.map(({ Name }) => Name)).toEqual([
    'fixture-tick',
  ]);
  expect(await scheduler.send(new GetScheduleCommand({ Name: 'fixture-tick' }))).toMatchObject({
    ScheduleExpression: 'rate(1 minute)',
  });
  const cloudFormation = new CloudFormationClient(fixture.client);
  const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: 'fixture' }));
  expect(Stacks?.[0]?.Outputs).toContainEqual({
    OutputKey: 'flowArn',
    OutputValue: stateMachineArn('flow'),
    ExportName: 'fixture-flow',
  });
  const { StackResources } = await cloudFormation.send(new DescribeStackResourcesCommand({ StackName: 'fixture' }));
  expect(StackResources?.map(({ PhysicalResourceId }) => PhysicalResourceId)).toContain(topicArn);
  expect(await new STSClient(fixture.client).send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '000000000000',
  });
});

describe('refusals name what is not served', () => {
  const refusals: [string, () => Promise<unknown>, RegExp][] = [
    [
      'a JSON operation',
      () =>
        new SFNClient(fixture.client).send(
          new CreateStateMachineCommand({ name: 'x', definition: '{}', roleArn: 'x' }),
        ),
      /states:CreateStateMachine is not served/,
    ],
    [
      'redrive',
      () => new SFNClient(fixture.client).send(new RedriveExecutionCommand({ executionArn: 'x' })),
      /states:RedriveExecution is not served/,
    ],
    [
      'a query operation',
      () => new CloudFormationClient(fixture.client).send(new CreateStackCommand({ StackName: 'x' })),
      /cloudformation:CreateStack is not served/,
    ],
    [
      'a REST field',
      () =>
        new LambdaClient(fixture.client).send(new InvokeCommand({ FunctionName: 'fixture-worker', LogType: 'Tail' })),
      /x-amz-log-type/,
    ],
    [
      'a query field',
      () =>
        new SNSClient(fixture.client).send(
          new PublishCommand({ TopicArn: topicArn, Message: 'm', MessageGroupId: 'g' }),
        ),
      /MessageGroupId: not served/,
    ],
    [
      'another region',
      () =>
        new LambdaClient({ ...fixture.client, region: 'us-west-2' }).send(
          new InvokeCommand({ FunctionName: 'fixture-worker' }),
        ),
      /Function not found/,
    ],
  ];
  test.each(refusals)('%s', async (_what, call, words) => {
    await expect(call()).rejects.toThrow(words);
  });

  test('a request under a foreign host name, or without a signature', async () => {
    const unsigned = await fetch(fixture.client.endpoint, { method: 'POST', body: 'Action=Publish' });
    expect(unsigned.status).toBe(403);
    const control = await fetch(`${fixture.client.endpoint}/_local/events`, { method: 'PUT', body: '{"drop":true}' });
    expect(control.status).toBe(403);
  });
});
