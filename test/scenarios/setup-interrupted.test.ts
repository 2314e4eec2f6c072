/** Setup that is killed in the middle and started again ends in a healthy cluster. */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, runRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { stepEntered } from '../support/executions.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

async function expectHealthy(runtime: LocalRuntime): Promise<void> {
  const outcome = await runRunbook(runtime.clients, 'pg-sync', 'setup', 240);
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  const primary = nodeNamed(runtime.cluster, 'pg_sync_master');
  const rows = await superuserSql(
    runtime.cluster,
    primary,
    'select application_name, sync_state from pg_stat_replication order by 1',
  );
  expect(rows).toBe('pg_sync_slave01|sync\npg_sync_slave02|potential');
}

describe.sequential('the runtime is killed', () => {
  // One after the other in the same cluster: each setup goes on with what the one before has left.
  let runtime: LocalRuntime;
  beforeAll(async () => {
    runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  it.each(['Configure primary', 'Take base backup', 'Start standby'])('during "%s"', async (step) => {
    const { clients, directory } = runtime;
    await stepEntered(runtime, await startRunbook(clients, 'pg-sync', 'setup'), step);
    await runtime.kill();
    runtime = await LocalRuntime.start({ clusters: [notesCluster()], directory });
  });

  it('and is started again: setup ends in a healthy cluster', () => expectHealthy(runtime));
});

describe('a host is taken down', () => {
  it('during the base backup', async () => {
    await using runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
    const { ec2 } = runtime.clients;
    const InstanceIds = [nodeNamed(runtime.cluster, 'pg_sync_slave02').instanceId];
    const execution = await startRunbook(runtime.clients, 'pg-sync', 'setup');
    await stepEntered(runtime, execution, 'Take base backup');
    await ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true }));
    const outcome = await awaitRunbook(runtime.clients, 'pg-sync', execution, 240);
    // The other standby has been built to its end, and the failure is about this host only.
    expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('pg_sync_slave02') });
    expect(outcome).not.toMatchObject({ cause: expect.stringContaining('pg_sync_slave01') });

    await ec2.send(new StartInstancesCommand({ InstanceIds }));
    await expectHealthy(runtime);
  });
});
