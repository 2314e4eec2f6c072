/** What fencing by EC2 makes of EC2's answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { lookAtInstances, stopInstance } from '../../lambdas/adapters/instances.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const cluster = exampleCluster();
const [node] = cluster.nodes;
if (node === undefined) throw new Error('no node');

/** Of the one instance that EC2 knows here. */
let instance = '';
/** How EC2 refuses to stop it. */
let refusal: { code: string; message: string };
let asked: string[] = [];

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => {
    body += part.toString();
  });
  request.on('end', () => {
    const action = new URLSearchParams(body).get('Action') ?? '';
    asked.push(action);
    if (action === 'DescribeInstances') {
      response.end(
        `<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>${node.instanceId}</instanceId>
        <instanceState><code>16</code><name>running</name></instanceState>${instance}</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
      );
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
beforeEach(() => {
  asked = [];
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
  instance = '';
  refusal = { code: 'IncorrectInstanceState', message: 'The instance is not in a state from which it can be stopped.' };
  await expect(stopInstance(cluster, node, 150)).rejects.toThrow(expect.objectContaining({ name: refusal.code }));
});

it('an instance says its group, and whether it is a spot instance', async () => {
  instance =
    '<instanceLifecycle>spot</instanceLifecycle><tagSet><item><key>aws:autoscaling:groupName</key><value>g</value></item></tagSet>';
  expect(await lookAtInstances([node])).toEqual([
    { instanceId: node.instanceId, state: 'running', autoScalingGroup: 'g', spot: true },
  ]);
});
