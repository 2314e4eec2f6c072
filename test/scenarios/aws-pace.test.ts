/** Setup and failover at AWS's pace, and of a host whose death nobody notices: these wait more than they compute. */
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { setLatency, stopHost } from '../../local/client/control.ts';
import { killPostmaster } from '../../local/client/host-power.ts';
import { makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { underLoad } from '../support/under-load.ts';

const [master, slave01] = ['pg_sync_master', 'pg_sync_slave01'];

/** Runbooks take minutes at AWS's slowest. */
const limitSeconds = 500;

async function startCluster(...args: string[]): Promise<LocalRuntime> {
  const runtime = await LocalRuntime.start({
    clusters: [{ ...notesCluster(), monitoring: { checkIntervalSeconds: 5 } }],
    args,
  });
  await succeed(runtime, 'setup');
  await makeLedger(runtime.cluster, nodeNamed(runtime.cluster, master));
  await checkerKnows(runtime.clients, 'pg-sync', master);
  return runtime;
}

async function succeed({ clients }: LocalRuntime, runbook: 'setup' | 'failover'): Promise<Record<string, unknown>> {
  const outcome = await runRunbook(clients, 'pg-sync', runbook, limitSeconds);
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  return 'output' in outcome ? outcome.output : {};
}

async function stateOf({ clients, cluster }: LocalRuntime, name: string): Promise<string | undefined> {
  const InstanceIds = [nodeNamed(cluster, name).instanceId];
  const { Reservations } = await clients.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
  return Reservations?.[0]?.Instances?.[0]?.State?.Name;
}

describe.concurrent('at AWS’s pace', () => {
  it('sets up and fails over; where AWS is slow, a host that can be reached keeps its power', async () => {
    await using runtime = await startCluster('--latency', 'aws');
    await setLatency(runtime.endpoint, 'aws-slow');
    await underLoad(runtime.cluster, nodeNamed(runtime.cluster, slave01), async () => {
      await killPostmaster(runtime.cluster, nodeNamed(runtime.cluster, master));
      expect(await succeed(runtime, 'failover')).toMatchObject({ primary: slave01, formerPrimary: master });
    });
    expect(await stateOf(runtime, master)).toBe('running');
  });

  it('fails over from a host that has died although EC2 and SSM know nothing of it', async () => {
    await using runtime = await startCluster();
    await underLoad(runtime.cluster, nodeNamed(runtime.cluster, slave01), async () => {
      await stopHost(runtime.endpoint, master, 'dies');
      expect(await stateOf(runtime, master)).toBe('running');
      const output = await succeed(runtime, 'failover');
      expect(output).toMatchObject({ primary: slave01, formerPrimary: master });
      expect(JSON.stringify(output)).toContain('EC2 was seen to have stopped its instance');
    });
    expect(await stateOf(runtime, master)).toBe('stopped');
  });
});
