/** Run Command and hosts through the newest SDK clients: real scripts in two process hosts. */
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeInstancesCommand, EC2Client, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  type SendCommandCommandInput,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { healFaults, makeFault, stopHost } from '../../local/client/control.ts';
import { eventually, type Fixture, instanceIds, startFixture } from './fixture/runtime.ts';

const [first, second] = instanceIds;
let fixture: Fixture;
let ssm: SSMClient;
let ec2: EC2Client;
let logs: CloudWatchLogsClient;

beforeAll(async () => {
  fixture = await startFixture();
  ssm = new SSMClient(fixture.client);
  ec2 = new EC2Client(fixture.client);
  logs = new CloudWatchLogsClient(fixture.client);
});
afterAll(() => fixture.end());

async function send(more: Partial<SendCommandCommandInput>): Promise<string> {
  const { Command } = await ssm.send(
    new SendCommandCommand({ DocumentName: 'fixture-run', InstanceIds: [first], Parameters: { Exit: ['0'] }, ...more }),
  );
  return Command?.CommandId ?? '';
}

const invocation = (CommandId: string, InstanceId: string = first) =>
  ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));

const ended = (id: string, instance?: string) =>
  eventually(
    () => invocation(id, instance),
    ({ Status }) => Status !== 'Pending' && Status !== 'InProgress',
  );

/** Processes that work inside a node's directory. */
function processesOf(node: string): string[] {
  const directory = join(fixture.directory, 'nodes', node);
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      return false;
    }
  });
}

const isAlive = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

async function power(instance: string, on: boolean): Promise<void> {
  const InstanceIds = [instance];
  await (on
    ? ec2.send(new StartInstancesCommand({ InstanceIds }))
    : ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true })));
  await eventually(
    async () => {
      const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds }));
      return Reservations?.[0]?.Instances?.[0]?.State?.Name;
    },
    (state) => state === (on ? 'running' : 'stopped'),
  );
}

test('a command runs the document’s script and ends with it, whatever it leaves running', async () => {
  const result = await ended(await send({ Parameters: { Exit: ['3'] }, Comment: 'three' }));
  expect(result).toMatchObject({
    Status: 'Failed',
    StatusDetails: 'Failed',
    ResponseCode: 3,
    StandardOutputContent: 'on node1 with 3\n',
    StandardErrorContent: 'to stderr\nfailed to run commands: exit status 3',
    Comment: 'three',
  });
  expect(result.ExecutionElapsedTime).toMatch(/^PT[\d.]+S$/);
  expect(await ended(await send({}))).toMatchObject({ Status: 'Success', ResponseCode: 0 });
});

test('output is in CloudWatch Logs under the agent’s stream names', async () => {
  const id = await send({
    CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: '/some/group' },
  });
  await ended(id);
  const stream = { logGroupName: '/some/group', logStreamName: `${id}/${first}/runScript/stdout` };
  const { events } = await logs.send(new GetLogEventsCommand({ ...stream, startFromHead: true }));
  expect(events?.map(({ message }) => message)).toEqual(['on node1 with 0']);
  const found = await logs.send(
    new FilterLogEventsCommand({ logGroupName: '/some/group', filterPattern: '"to stderr"' }),
  );
  expect(found.events?.map(({ logStreamName }) => logStreamName)).toEqual([`${id}/${first}/runScript/stderr`]);
});

test('ListCommands gives the parameters back, by id and by time', async () => {
  const id = await send({ Parameters: { Exit: ['0'], TaskToken: ['token-of-nobody'] } });
  const byId = await ssm.send(new ListCommandsCommand({ CommandId: id }));
  expect(byId.Commands?.map(({ Parameters }) => Parameters)).toEqual([{ Exit: ['0'], TaskToken: ['token-of-nobody'] }]);
  await ended(id);
  const later = new Date(Date.now() + 60_000).toISOString();
  const byTime = await ssm.send(new ListCommandsCommand({ Filters: [{ key: 'InvokedAfter', value: later }] }));
  expect(byTime.Commands).toEqual([]);
  const { CommandInvocations } = await ssm.send(new ListCommandInvocationsCommand({ CommandId: id, Details: true }));
  expect(CommandInvocations?.[0]).toMatchObject({ InstanceId: first, InstanceName: 'node1', Status: 'Success' });
});

test.each([
  ['an unknown document', { DocumentName: 'none' }, 'InvalidDocument'],
  ['an unknown version', { DocumentVersion: '2' }, 'InvalidDocumentVersion'],
  ['a version that is none', { DocumentVersion: 'newest' }, 'ValidationException'],
  ['an empty value', { Parameters: { Exit: ['0'], TaskToken: [''] } }, 'InvalidParameters'],
  ['an unknown instance', { InstanceIds: ['i-0123456789abcdef0'] }, 'InvalidInstanceId'],
  ['a missing parameter', { Parameters: {} }, 'InvalidParameters'],
  ['an unknown parameter', { Parameters: { Exit: ['0'], Other: ['1'] } }, 'InvalidParameters'],
  ['a value outside its pattern', { Parameters: { Exit: ['0; reboot'] } }, 'InvalidParameters'],
  ['a value with a line end', { Parameters: { Exit: ['0\n'] } }, 'InvalidParameters'],
  ['targets', { InstanceIds: undefined, Targets: [{ Key: 'tag:Name', Values: ['x'] }] }, 'ValidationException'],
  ['notifications', { NotificationConfig: { NotificationArn: 'arn' } }, 'ValidationException'],
  ['a long comment', { Comment: 'x'.repeat(101) }, 'ValidationException'],
  ['a short delivery timeout', { TimeoutSeconds: 29 }, 'ValidationException'],
])('%s is refused', async (_what, more, error) => {
  await expect(send(more as Partial<SendCommandCommandInput>)).rejects.toMatchObject({ name: error });
});

test('a document whose pattern the agent cannot compile fails before its script starts, without a word', async () => {
  const id = await send({ DocumentName: 'fixture-refused', Parameters: { Token: ['abcdefgh'] } });
  expect(await ended(id)).toMatchObject({
    Status: 'Failed',
    ResponseCode: -1,
    StandardOutputContent: '',
    StandardErrorContent: '',
  });
  const log = join(fixture.directory, 'ssm', id, first, 'agent.log');
  expect(readFileSync(log, 'utf8')).toContain('invalid repeat count: `{8,2048}`');
});

test('an invocation that is not there', async () => {
  await expect(invocation('00000000-0000-0000-0000-000000000000')).rejects.toMatchObject({
    name: 'InvocationDoesNotExist',
  });
});

test('a command that runs too long is killed, and so is a cancelled one', async () => {
  const slow = await send({ DocumentName: 'fixture-sleep', Parameters: {} });
  const cancelled = await send({ DocumentName: 'fixture-sleep', Parameters: {}, InstanceIds: [second] });
  await eventually(
    () => invocation(cancelled, second),
    ({ Status }) => Status === 'InProgress',
  );
  await ssm.send(new CancelCommandCommand({ CommandId: cancelled }));
  expect(await ended(cancelled, second)).toMatchObject({ Status: 'Cancelled', ResponseCode: 137 });
  expect(await ended(slow)).toMatchObject({
    Status: 'TimedOut',
    StatusDetails: 'ExecutionTimedOut',
    ResponseCode: 137,
  });
});

/** What one case of the agent's document gives. */
async function agentCase(name: string) {
  return ended(await send({ DocumentName: 'fixture-agent', Parameters: { Case: [name] } }));
}

test('a script has the agent’s environment, and beyond it what a host that shares its machine needs', async () => {
  const { StandardOutputContent: output = '' } = await agentCase('environment');
  const [directory, umask, stdin, ...variables] = output.trimEnd().split('\n');
  expect([directory, umask, stdin]).toEqual(['/usr/bin', '0022', '0']);
  expect(variables).toEqual([
    ...['AWS_ENDPOINT_URL', 'AWS_SSM_INSTANCE_ID', 'AWS_SSM_PLATFORM_NAME', 'AWS_SSM_PLATFORM_VERSION'],
    ...['AWS_SSM_REGION_NAME', 'LANG', 'PATH', 'RUNBOOK_MEMORY', 'SSM_COMMAND_ID'],
  ]);
});

test('the first line of a script says what runs it', async () => {
  const result = await ended(await send({ DocumentName: 'fixture-interpreted', Parameters: {} }));
  expect(result).toMatchObject({ Status: 'Success', StandardOutputContent: 'for sed alone: $(\n' });
});

test('a command ends when nobody holds its output any more', async () => {
  expect(await agentCase('late')).toMatchObject({ Status: 'Success', StandardOutputContent: 'early\nlate\n' });
});

test('output is cut by bytes, be it within a character; of stderr SSM keeps less', async () => {
  const { StandardOutputContent: output = '', StandardErrorContent: errors = '' } = await agentCase('long');
  expect(output).toBe(`x${'é'.repeat(11_989)}\ufffd--output truncated--`);
  expect(errors).toBe('y'.repeat(8000));
});

test('a script that ends in the code of a kill counts as timed out', async () => {
  expect(await agentCase('code137')).toMatchObject({ Status: 'TimedOut', ResponseCode: 137, StandardErrorContent: '' });
});

test('a cancelled command’s process group dies at once, without a trap; what it started in others goes on', async () => {
  const home = join(fixture.directory, 'nodes', 'node1');
  const pidIn = (file: string) => Number(existsSync(join(home, file)) && readFileSync(join(home, file), 'utf8'));
  const id = await send({ DocumentName: 'fixture-agent', Parameters: { Case: ['groups'] } });
  await eventually(async () => pidIn('same-group') > 0 && pidIn('other-group') > 0, Boolean);
  await ssm.send(new CancelCommandCommand({ CommandId: id }));
  expect(await ended(id)).toMatchObject({ Status: 'Cancelled', ResponseCode: 137, StandardOutputContent: '' });
  await eventually(
    async () => isAlive(pidIn('same-group')),
    (alive) => !alive,
  );
  expect(isAlive(pidIn('other-group'))).toBe(true);
  process.kill(pidIn('other-group'), 'SIGKILL');
});

test('five commands run at once on a host; the sixth waits for one of them to end', async () => {
  const home = join(fixture.directory, 'nodes', 'node1');
  const ids = await Promise.all(
    Array.from({ length: 6 }, () => send({ DocumentName: 'fixture-agent', Parameters: { Case: ['hold'] } })),
  );
  const holding = async () => ids.filter((id) => existsSync(join(home, `holds.${id}`)));
  await eventually(holding, (held) => held.length === 5);
  const statuses = await Promise.all(ids.map(async (id) => (await invocation(id)).Status));
  expect(new Set(statuses)).toEqual(new Set(['InProgress']));
  expect(await holding()).toHaveLength(5);
  writeFileSync(join(home, 'release'), '');
  for (const id of ids) expect(await ended(id)).toMatchObject({ Status: 'Success' });
});

test('an agent that is cut off from AWS takes no command and reports no end until the cut is healed', async () => {
  const { endpoint } = fixture.client;
  const running = await send({ DocumentName: 'fixture-sleep', Parameters: {}, InstanceIds: [second] });
  await eventually(
    () => invocation(running, second),
    ({ Status }) => Status === 'InProgress',
  );
  await makeFault(endpoint, { kind: 'cut-ssm', node: 'node2' });
  const waiting = await send({ InstanceIds: [second] });
  await ssm.send(new CancelCommandCommand({ CommandId: running }));
  expect(await ended(await send({}))).toMatchObject({ Status: 'Success' });
  expect(await invocation(running, second)).toMatchObject({ Status: 'Cancelling' });
  expect(await invocation(waiting, second)).toMatchObject({ Status: 'Pending' });
  await healFaults(endpoint, 'node2');
  expect(await ended(waiting, second)).toMatchObject({ Status: 'Success' });
  expect(
    await eventually(
      () => invocation(running, second),
      ({ Status }) => Status !== 'Cancelling',
    ),
  ).toMatchObject({ Status: 'Cancelled' });
});

test('hosts that share this machine’s network have no other faults, and say why', async () => {
  const { endpoint } = fixture.client;
  await expect(makeFault(endpoint, { kind: 'cut', node: 'node1' })).rejects.toThrow(
    'cut: hosts that are processes share the network of this machine; start the runtime with --hosts machines',
  );
  await expect(makeFault(endpoint, { kind: 'cut-ssm', node: 'node3' })).rejects.toThrow(
    'there is no host node3; there are node1, node2',
  );
});

test('a host is shut down by its own command', async () => {
  await stopHost(fixture.client.endpoint, 'node2', 'clean');
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [second] }));
  expect(Reservations?.[0]?.Instances?.[0]?.State?.Name).toBe('stopped');
  await power(second, true);
});

test('of a host that dies EC2 and SSM know nothing: it takes no command, and stops when it is told to', async () => {
  const state = async () => {
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [second] }));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  };
  await stopHost(fixture.client.endpoint, 'node2', 'dies');
  expect(await state()).toBe('running');
  const { InstanceInformationList } = await ssm.send(new DescribeInstanceInformationCommand({}));
  expect(InstanceInformationList?.find(({ InstanceId }) => InstanceId === second)?.PingStatus).toBe('Online');
  const id = await send({ InstanceIds: [second] });
  expect(await ended(await send({}))).toMatchObject({ Status: 'Success' });
  expect(await invocation(id, second)).toMatchObject({ Status: 'Pending' });
  await ec2.send(new StopInstancesCommand({ InstanceIds: [second], SkipOsShutdown: true }));
  await eventually(state, (seen) => seen === 'stopped');
  await power(second, true);
  expect(await ended(id, second)).toMatchObject({ Status: 'Success' });
});

test('a power cut ends every process of the host and nothing of another; its commands end when it is back', async () => {
  await ended(await send({ InstanceIds: [second] }), second);
  const id = await send({ DocumentName: 'fixture-sleep', Parameters: {} });
  await eventually(
    () => invocation(id),
    ({ Status }) => Status === 'InProgress',
  );
  expect(processesOf('node1').length).toBeGreaterThan(0);
  const others = processesOf('node2');
  expect(others.length).toBeGreaterThan(0);
  await power(first, false);
  expect(processesOf('node1')).toEqual([]);
  expect(processesOf('node2')).toEqual(others);
  expect(await invocation(id)).toMatchObject({ Status: 'InProgress' });
  await expect(send({})).rejects.toMatchObject({ name: 'InvalidInstanceId' });
  const { InstanceInformationList } = await ssm.send(new DescribeInstanceInformationCommand({}));
  expect(InstanceInformationList?.map(({ ComputerName }) => ComputerName)).toEqual(['node1', 'node2']);
  await power(first, true);
  expect(await ended(id)).toMatchObject({
    Status: 'Failed',
    ResponseCode: 1,
    StandardOutputContent: '',
    StandardErrorContent: '',
  });
  expect(await ended(await send({}))).toMatchObject({ Status: 'Success' });
});

test('instances are found by their Name tag', async () => {
  const { Reservations } = await ec2.send(
    new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Name', Values: ['node2'] }] }),
  );
  const instances = Reservations?.flatMap(({ Instances }) => Instances ?? []);
  expect(instances).toMatchObject([
    { InstanceId: second, PrivateIpAddress: '127.0.0.3', Tags: [{ Key: 'Name', Value: 'node2' }, {}] },
  ]);
  await expect(ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0123456789abcdef0'] }))).rejects.toMatchObject({
    name: 'InvalidInstanceID.NotFound',
  });
});

test('scripts have a bare environment and an aws of their own', () => {
  const aws = join(fixture.directory, 'nodes', 'node1', 'bin', 'aws');
  expect(existsSync(aws)).toBe(true);
  expect(readFileSync(aws, 'utf8')).toContain('aws-on-host');
});
