/** Hosts that EC2 must not stop: members of Auto Scaling groups. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { makeInstance, stopHost } from '../../local/client/control.ts';
import { nodeNamed, waitForSql } from '../../local/client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];

let runtime: LocalRuntime;
const node = (name: string) => nodeNamed(runtime.cluster, name);
const run = (runbook: 'setup' | 'failover'): Promise<RunbookOutcome> =>
  runRunbook(runtime.clients, 'pg-sync', runbook, 300);

async function stateOf(name: string): Promise<string | undefined> {
  const { Reservations } = await runtime.clients.ec2.send(
    new DescribeInstancesCommand({ InstanceIds: [node(name).instanceId] }),
  );
  return Reservations?.[0]?.Instances?.[0]?.State?.Name;
}

beforeAll(async () => {
  const cluster = { ...notesCluster(), monitoring: { checkIntervalSeconds: 5 } };
  runtime = await LocalRuntime.start({ clusters: [cluster] });
});
afterAll(() => runtime?.[Symbol.asyncDispose]());

it('are warned of by setup, and never stopped by failover, which undoes what it has done', async () => {
  await makeInstance(runtime.endpoint, master, { autoScalingGroup: 'databases' });
  await makeInstance(runtime.endpoint, slave02, { spot: true });
  const setup = await run('setup');
  expect(setup, JSON.stringify(setup)).toMatchObject({
    status: 'SUCCEEDED',
    output: {
      warnings: [
        expect.stringMatching(
          /^pg_sync_master is a member of the Auto Scaling group databases.*aws autoscaling detach-instances --region us-east-1 --instance-ids i-\w+ --auto-scaling-group-name 'databases'/,
        ),
        expect.stringMatching(/^pg_sync_slave02 is a spot instance/),
      ],
    },
  });

  await checkerKnows(runtime.clients, 'pg-sync', master);
  // EC2 does not know of it, so only its power would prove that it accepts no writes.
  await stopHost(runtime.endpoint, master, 'dies');
  const member = await run('failover');
  expect(member, JSON.stringify(member)).toMatchObject({
    status: 'FAILED',
    error: 'InstanceNotStoppable',
    cause: expect.stringContaining('aws autoscaling detach-instances'),
  });
  expect(await stateOf(master)).toBe('running');

  for (const name of [slave01, slave02])
    await waitForSql(runtime.cluster, node(name), 'select pg_is_in_recovery()', 't', 30);

  await makeInstance(runtime.endpoint, master);
  const failover = await run('failover');
  expect(failover, JSON.stringify(failover)).toMatchObject({
    status: 'SUCCEEDED',
    output: { primary: slave01, formerPrimary: master },
  });
  expect(await stateOf(master)).toBe('stopped');
});
