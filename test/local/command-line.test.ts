/** The ordinary AWS CLI against the runtime, the hosts' own `aws`, and events that get lost. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsCli as cli } from '../../local/prerequisites/system-packages.mjs';
import { region, stateMachineArn, topicArn } from './fixture/assembly.ts';
import { eventually, type Fixture, instanceIds, startFixture } from './fixture/runtime.ts';

const run = promisify(execFile);

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture();
});
afterAll(() => fixture.end());

describe.skipIf(!existsSync(cli))('the AWS CLI', () => {
  const aws = async (...args: string[]) => {
    const { stdout } = await run(
      cli,
      ['--endpoint-url', fixture.client.endpoint, '--region', region, '--output', 'json', ...args],
      {
        env: {
          PATH: process.env.PATH,
          AWS_ACCESS_KEY_ID: 'x',
          AWS_SECRET_ACCESS_KEY: 'x',
          AWS_CONFIG_FILE: '/dev/null',
          AWS_PAGER: '',
        },
      },
    );
    return stdout === '' ? undefined : JSON.parse(stdout);
  };

  test('starts an execution and reads its history', async () => {
    const input = JSON.stringify({ hosts: instanceIds.slice(0, 1), exit: 0 });
    const { executionArn } = await aws(
      'stepfunctions',
      'start-execution',
      '--state-machine-arn',
      stateMachineArn('flow'),
      '--input',
      input,
    );
    const ended = await eventually(
      () => aws('stepfunctions', 'describe-execution', '--execution-arn', executionArn),
      ({ status }) => status !== 'RUNNING',
    );
    expect(ended.status).toBe('SUCCEEDED');
    const { events } = await aws('stepfunctions', 'get-execution-history', '--execution-arn', executionArn);
    expect(events.at(-1)).toMatchObject({ type: 'ExecutionSucceeded', executionSucceededEventDetails: {} });
  });

  test('speaks every protocol: JSON, query, EC2, REST', async () => {
    const answers = await Promise.all([
      aws('ssm', 'describe-instance-information'),
      aws('sns', 'list-subscriptions-by-topic', '--topic-arn', topicArn),
      aws('ec2', 'describe-instances', '--filters', 'Name=tag:Name,Values=node1'),
      aws('lambda', 'list-functions'),
      aws('logs', 'describe-log-groups'),
      aws('cloudformation', 'describe-stacks'),
    ]);
    expect(answers).toMatchObject([
      { InstanceInformationList: [{ ComputerName: 'node1' }, { ComputerName: 'node2' }] },
      { Subscriptions: [{ TopicArn: topicArn }, { TopicArn: topicArn }] },
      { Reservations: [{ Instances: [{ InstanceId: instanceIds[0], State: { Name: 'running' } }] }] },
      { Functions: [{}, {}, {}, {}, {}] },
      { logGroups: expect.any(Array) },
      { Stacks: [{ StackName: 'fixture' }] },
    ]);
  });

  test.each([
    [
      'stepfunctions',
      ['delete-state-machine', '--state-machine-arn', 'x'],
      'states:DeleteStateMachine is not served by the local runtime',
    ],
    ['s3api', ['list-buckets'], 's3:GET / is not served'],
    ['ec2', ['terminate-instances', '--instance-ids', instanceIds[0]], 'ec2:TerminateInstances is not served'],
    ['sns', ['create-topic', '--name', 'x'], 'sns:CreateTopic is not served'],
  ])('is refused by name: %s %s', async (service, args, words) => {
    await expect(aws(service, ...args)).rejects.toThrow(words);
  });
});

describe('aws on a process host', () => {
  const aws = (...args: string[]) =>
    run(join(fixture.directory, 'nodes', 'node1', 'bin', 'aws'), args, {
      env: {
        PATH: '/usr/bin:/bin',
        AWS_ENDPOINT_URL: fixture.client.endpoint,
        // The agent tells each script on whose behalf it asks.
        AWS_SSM_INSTANCE_ID: instanceIds[0],
      },
    });
  const call = [
    'secretsmanager',
    'get-secret-value',
    '--region',
    region,
    '--query',
    'SecretString',
    '--output',
    'text',
  ];

  test('reads a secret', async () => {
    const { stdout } = await aws(...call, '--secret-id', 'fixture/replication');
    expect(JSON.parse(stdout)).toMatchObject({ username: 'replica' });
  });

  test('fails as the AWS CLI does', async () => {
    await expect(aws(...call, '--secret-id', 'none')).rejects.toMatchObject({
      code: 254,
      stderr: expect.stringContaining(
        'An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation',
      ),
    });
  });

  test.each([
    [['s3', 'ls'], 'aws s3 ls: not served on hosts of the local runtime'],
    [[...call, '--secret-id', 'x', '--debug', 'x'], '--debug: not served'],
    [call, 'only served as'],
  ])('refuses anything else: %s', async (args, words) => {
    await expect(aws(...args)).rejects.toMatchObject({ code: 252, stderr: expect.stringContaining(words) });
  });
});

test('events can be lost and delivered again while the runtime runs', async () => {
  const headers = { 'x-local-runtime': '1' };
  const put = (drop: boolean) =>
    fetch(`${fixture.client.endpoint}/_local/events`, { method: 'PUT', headers, body: JSON.stringify({ drop }) });
  expect(await (await put(true)).json()).toMatchObject({ dropEvents: true });
  const state = await fetch(`${fixture.client.endpoint}/_local/`);
  expect(await state.json()).toEqual({ ready: true, latency: 'none', dropEvents: true, faults: [] });
  await put(false);
});
