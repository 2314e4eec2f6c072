/** The failover runbook on real PostgreSQL, with an application that writes all the while. */
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { checkerKnows, checkerState } from '../../local/client/checker-state.ts';
import { dataDirectoryOf } from '../../local/client/host-access.ts';
import { killPostmaster, stopPostgres } from '../../local/client/host-power.ts';
import { makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, runRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { notesCluster } from '../support/clusters.ts';
import { stepEntered } from '../support/executions.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { underLoad } from '../support/under-load.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];

describe('failover', () => {
  let runtime: LocalRuntime;
  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const sql = (name: string, statement: string) => superuserSql(runtime.cluster, node(name), statement);
  const run = (runbook: 'setup' | 'failover' | 'switchover', input: object = {}) =>
    runRunbook(runtime.clients, 'pg-sync', runbook, 240, undefined, input);
  const setUp = async () => expect(await run('setup')).toMatchObject({ status: 'SUCCEEDED' });
  const seen = (name: string, statement: string, expected: string) =>
    waitForSql(runtime.cluster, node(name), statement, expected, 60);
  const knows = (primary: string) => checkerKnows(runtime.clients, 'pg-sync', primary);

  async function cutPower(name: string): Promise<void> {
    await runtime.clients.ec2.send(
      new StopInstancesCommand({ InstanceIds: [node(name).instanceId], SkipOsShutdown: true }),
    );
  }

  async function boot(name: string): Promise<void> {
    await waitFor(`boot of ${name}`, 20, () =>
      runtime.clients.ec2
        .send(new StartInstancesCommand({ InstanceIds: [node(name).instanceId] }))
        .then(() => true)
        .catch(() => null),
    );
  }

  /** The former primary becomes a standby from nothing. */
  async function rebuild(name: string): Promise<void> {
    await stopPostgres(runtime.cluster, node(name)).catch(() => undefined);
    rmSync(dataDirectoryOf(runtime.cluster, node(name)), { recursive: true });
    await setUp();
  }

  beforeAll(async () => {
    const cluster = { ...notesCluster(), monitoring: { checkIntervalSeconds: 5 } };
    runtime = await LocalRuntime.start({ clusters: [cluster] });
    await setUp();
    await makeLedger(runtime.cluster, node(master));
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  it.each([
    ['failover', {}, 'PrimaryIsHealthy', master],
    ['failover', { allowDataLoss: true }, 'InvalidInput', 'must say why'],
    ['switchover', { to: master }, 'SwitchoverToPrimary', master],
    ['switchover', { to: 'pg_sync_slave03' }, 'InvalidInput', `${master}, ${slave01}, ${slave02}`],
  ] as const)('%s %o is refused as %s, and changes nothing', async (runbook, input, error, words) => {
    const outcome = await run(runbook, input);
    expect(outcome).toMatchObject({ status: 'FAILED', error, cause: expect.stringContaining(words) });
    expect(await sql(master, "select count(*) from pg_stat_replication where state = 'streaming'")).toBe('2');
  });

  it('promotes a standby when the primary has crashed; no acknowledged row is lost', async () => {
    await knows(master);
    await underLoad(runtime.cluster, node(slave01), async () => {
      await killPostmaster(runtime.cluster, node(master));
      const outcome = await run('failover');
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: slave01, formerPrimary: master, timeline: 2, notFollowing: [] },
      });
    });
    expect(await sql(slave01, 'show synchronous_standby_names')).toBe(`FIRST 1 ("${master}","${slave02}")`);
    expect(await sql(slave01, 'select application_name, sync_state from pg_stat_replication')).toBe(`${slave02}|sync`);
    // Its data may be worth something: setup leaves it alone.
    expect(await run('setup')).toMatchObject({
      status: 'FAILED',
      error: 'DataDirectoryNotEmpty',
      cause: expect.stringContaining(master),
    });
    await rebuild(master);
  });

  it('stops the instance of a primary whose host is gone, and stands its return', async () => {
    await knows(slave01);
    await underLoad(runtime.cluster, node(master), async () => {
      await cutPower(slave01);
      const failover = await startRunbook(runtime.clients, 'pg-sync', 'failover');
      // Later than the evidence that it is gone, earlier than the proof that it stays so.
      await stepEntered(runtime, failover, 'Stop its instance');
      await boot(slave01);
      const outcome = await awaitRunbook(runtime.clients, 'pg-sync', failover, 240);
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: master, formerPrimary: slave01, timeline: 3 },
      });
      expect(JSON.stringify(outcome)).toContain('EC2 was seen to have stopped its instance');
      expect(JSON.stringify(outcome)).toContain('keep applications away from it: when its host boots');
      await boot(slave01);
      // It comes back as the primary that it was, and the application's commit waits there for a standby.
      await seen(slave01, 'select pg_is_in_recovery()', 'f');
      await seen(
        slave01,
        "select count(*) > 0 from pg_stat_activity where usename = 'ledger' and wait_event = 'SyncRep'",
        't',
      );
      // It must go on waiting.
      await pause(2000);
    });
    await rebuild(slave01);
  });

  it('refuses when a standby is missing that may hold commits, and puts the others back; goes on when that is allowed', async () => {
    await knows(master);
    await cutPower(slave02);
    await waitFor('the checker to have seen that it is gone', 60, async () => {
      const incident = (await checkerState(runtime.clients, 'pg-sync'))?.incident;
      return Object.values(incident?.told ?? {}).some(({ title }) => title.startsWith(`${slave02} `));
    });
    await cutPower(master);
    const refused = await run('failover');
    expect(refused).toMatchObject({
      status: 'FAILED',
      error: 'DataLossPossible',
      cause: expect.stringMatching(/pg_sync_slave02 cannot be asked.*waited for.*"allowDataLoss":true/s),
    });
    expect(await sql(slave01, 'select pg_is_in_recovery()')).toBe('t');
    // Nothing that another version wrote stands in the way of somebody who knows what is lost.
    await runtime.clients.dynamodb.send(
      new UpdateItemCommand({
        TableName: resourceNames('pg-sync').stateTable,
        Key: { id: { S: 'allowance' } },
        UpdateExpression: 'SET allowance = :allowance',
        ExpressionAttributeValues: { ':allowance': { S: '{"for":"whom?"}' } },
      }),
    );
    const outcome = await run('failover', { allowDataLoss: true, reason: 'its disk is gone' });
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED', output: { primary: slave01 } });
    expect(JSON.stringify(outcome)).toMatch(/which was allowed: An allowance .* cannot be read/);
    expect(await sql(slave01, 'select pg_is_in_recovery()')).toBe('f');
  });
});
