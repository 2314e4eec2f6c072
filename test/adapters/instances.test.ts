/** What fencing by EC2 makes of EC2's answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { lookAtInstances, stopInstance } from '../../lambdas/adapters/instances.ts';
import { OperationChecks } from '../../local/models/operation-checks.ts';
import { loadServiceModels } from '../../local/models/service-models.ts';
import { queryInput } from '../../local/protocols/query.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const cluster = exampleCluster();
const [node] = cluster.nodes;
if (node === undefined) throw new Error('no node');

/** Of the one instance that EC2 knows here. */
let instance = '';
let state = 'running';
/** What it says its state is after that, one for each further look. */
let later: string[] = [];
/** How EC2 refuses a request to stop it, if it does. */
let refusal: { code: string; message: string } | undefined;
/** Whether it refuses only what names this parameter. */
let refused: string | undefined;
let asked: string[] = [];
/** What it was told with each request to stop the instance. */
let told: Record<string, string>[] = [];
/** What EC2 itself would not understand of the requests, by its model. */
let slips: unknown[] = [];

const model = (await loadServiceModels(['ec2'])).get('ec2');
if (model === undefined) throw new Error('no model');
const checks = new OperationChecks(model, 'ec2');

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += part.toString();
  });
  request.on('end', () => {
    slips.push(
      ...checks.input(new URLSearchParams(body).get('Action') ?? '', queryInput(new URLSearchParams(body)).input),
    );
    const { Action: action = '', Version: _version, ...input } = Object.fromEntries(new URLSearchParams(body));
    asked.push(action);
    if (action === 'DescribeInstances') {
      response.end(
        `<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>${node.instanceId}</instanceId>
        <instanceState><code>16</code><name>${state}</name></instanceState>${instance}</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
      );
      state = later.shift() ?? state;
      return;
    }
    told.push(input);
    if (refusal === undefined || (refused !== undefined && input[refused] === undefined)) {
      state = 'stopped';
      response.end('<StopInstancesResponse><instancesSet/></StopInstancesResponse>');
      return;
    }
    response.statusCode = 400;
    response.end(
      `<Response><Errors><Error><Code>${refusal.code}</Code><Message>${refusal.message}</Message></Error></Errors></Response>`,
    );
  });
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('AWS_ENDPOINT_URL_EC2', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x');
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.close();
});
afterEach(() => {
  expect(slips).toEqual([]);
});
beforeEach(() => {
  instance = '';
  state = 'running';
  later = [];
  refusal = undefined;
  refused = undefined;
  asked = [];
  told = [];
  slips = [];
});

it('a member of an Auto Scaling group is never told to stop', async () => {
  instance = '<tagSet><item><key>aws:autoscaling:groupName</key><value>databases</value></item></tagSet>';
  await expect(stopInstance(cluster, node, 20_000)).rejects.toThrow(
    expect.objectContaining({ name: 'InstanceNotStoppable', message: expect.stringContaining('databases') }),
  );
  expect(asked).toEqual(['DescribeInstances']);
});

it.each([
  [
    'UnsupportedOperation',
    'You cannot stop the Spot Instance: it is associated with a one-time Spot Instance request.',
  ],
  ['OperationNotPermitted', 'The instance may not be stopped. Modify its disableApiStop attribute and try again.'],
])('what EC2 refuses for good (%s) is told in its words, at once', async (code, message) => {
  instance = '<instanceLifecycle>spot</instanceLifecycle>';
  refusal = { code, message };
  await expect(stopInstance(cluster, node, 20_000)).rejects.toThrow(
    expect.objectContaining({ name: 'InstanceNotStoppable', message: expect.stringContaining(message) }),
  );
  expect(asked).toEqual(['DescribeInstances', 'StopInstances']);
});

it('EC2 is asked again after a refusal that passes', async () => {
  refusal = { code: 'IncorrectInstanceState', message: 'The instance is not in a state from which it can be stopped.' };
  await expect(stopInstance(cluster, node, 150)).rejects.toThrow(expect.objectContaining({ name: refusal.code }));
});

it('an instance says its group, and whether it is a spot instance', async () => {
  instance =
    '<rootDeviceType>instance-store</rootDeviceType><instanceLifecycle>spot</instanceLifecycle><tagSet><item><key>aws:autoscaling:groupName</key><value>g</value></item></tagSet>';
  expect(await lookAtInstances([node])).toEqual([
    { instanceId: node.instanceId, state: 'running', autoScalingGroup: 'g', spot: true, rootInInstanceStore: true },
  ]);
});

const byForce = { 'InstanceId.1': node.instanceId, Force: 'true' };
const byPowerCut = { ...byForce, SkipOsShutdown: 'true' };

it('EC2 takes the power without the shutdown of the operating system', async () => {
  expect(await stopInstance(cluster, node, 20_000)).toMatchObject({ state: 'stopped' });
  expect(told).toEqual([byPowerCut]);
});

it('an instance that somebody else is stopping is hurried', async () => {
  state = 'stopping';
  expect(await stopInstance(cluster, node, 20_000)).toMatchObject({ state: 'stopped' });
  expect(told).toEqual([byPowerCut]);
});

it('a member of an Auto Scaling group that stops by itself is waited for, and told nothing', async () => {
  instance = '<tagSet><item><key>aws:autoscaling:groupName</key><value>databases</value></item></tagSet>';
  state = 'stopping';
  later = ['stopped'];
  expect(await stopInstance(cluster, node, 20_000)).toMatchObject({ state: 'stopped' });
  expect(told).toEqual([]);
});

it('an instance that stops by itself is waited for when EC2 refuses to hurry it', async () => {
  state = 'stopping';
  later = ['stopping', 'stopped'];
  refusal = { code: 'OperationNotPermitted', message: 'The instance may not be stopped.' };
  expect(await stopInstance(cluster, node, 20_000)).toMatchObject({ state: 'stopped' });
  expect(told).toEqual([byPowerCut]);
});

it.each([
  ['UnknownParameter', 'The parameter SkipOsShutdown is not recognized'],
  ['UnsupportedOperation', 'SkipOsShutdown is not supported here'],
])('where EC2 refuses that parameter (%s), Force alone stops the instance', async (code, message) => {
  refusal = { code, message };
  refused = 'SkipOsShutdown';
  expect(await stopInstance(cluster, node, 20_000)).toMatchObject({ state: 'stopped' });
  expect(told).toEqual([byPowerCut, byForce]);
});
