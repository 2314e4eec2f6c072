/** The failover runbook on real PostgreSQL, with an application that writes all the while. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirectoryOf } from '../../local/client/host-access.ts';
import { stopPostgres } from '../../local/client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../../local/client/ledger.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { WriteProbe, writesBesideAnother } from '../../local/client/write-probe.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];

describe('failover', () => {
  let runtime: LocalRuntime;
  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const sql = (name: string, statement: string) => superuserSql(runtime.cluster, node(name), statement);
  const run = (runbook: 'setup' | 'failover' | 'switchover', input: object = {}) =>
    runRunbook(runtime.clients, 'pg-sync', runbook, 240, undefined, input);
  const setUp = async () => expect(await run('setup')).toMatchObject({ status: 'SUCCEEDED' });

  async function cutPower(name: string): Promise<void> {
    await runtime.clients.ec2.send(new StopInstancesCommand({ InstanceIds: [node(name).instanceId] }));
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

  /** What happens to applications and nodes while `act` runs. */
  async function watched(act: () => Promise<unknown>, successor: string): Promise<void> {
    const writer = LedgerWriter.start(runtime.cluster, 50);
    const probe = WriteProbe.start(runtime.cluster);
    try {
      await waitFor('rows', 20, () => (writer.acknowledged.length > 5 ? true : null));
      await act();
      const done = Date.now();
      await waitFor('rows on the new primary', 30, () => (writer.lastAcknowledged > done ? true : null));
    } finally {
      await writer.stop();
      await probe.stop();
    }
    expect(await missingRows(runtime.cluster, node(successor), writer.acknowledged)).toEqual([]);
    expect(writesBesideAnother(probe.take())).toEqual([]);
  }

  beforeAll(async () => {
    const cluster = { ...notesCluster({ postgres: { majorVersion: 15 } }), monitoring: { checkIntervalSeconds: 5 } };
    runtime = await LocalRuntime.start({ clusters: [cluster] });
    await setUp();
    await makeLedger(runtime.cluster, node(master));
  }, 300_000);
  afterAll(() => runtime?.[Symbol.asyncDispose](), 60_000);

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
    await waitFor('the checker to have looked', 30, async () => {
      const { status } = await runRunbook(runtime.clients, 'pg-sync', 'setup', 60);
      return status === 'SUCCEEDED' ? true : null;
    });
    await pause(6000);
    const data = dataDirectoryOf(runtime.cluster, node(master));
    await watched(async () => {
      process.kill(Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10), 'SIGKILL');
      const outcome = await run('failover');
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: slave01, formerPrimary: master, timeline: 2, notFollowing: [] },
      });
    }, slave01);
    expect(await sql(slave01, 'show synchronous_standby_names')).toBe(`FIRST 1 ("${master}","${slave02}")`);
    expect(await sql(slave01, 'select application_name, sync_state from pg_stat_replication')).toBe(`${slave02}|sync`);
    expect(await run('setup')).toMatchObject({ status: 'FAILED' });
    await rebuild(master);
  }, 300_000);

  it('stops the instance of a primary whose host is gone, and stands its return', async () => {
    await watched(async () => {
      await cutPower(slave01);
      const failover = run('failover');
      await pause(1500);
      await boot(slave01);
      const outcome = await failover;
      expect(outcome, JSON.stringify(outcome)).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: master, formerPrimary: slave01, timeline: 3 },
      });
      await boot(slave01);
      await pause(2000);
    }, master);
    await boot(slave01);
    await rebuild(slave01);
  }, 300_000);

  it('refuses when a standby is missing that may hold commits, and puts the others back; goes on when that is allowed', async () => {
    await pause(6000);
    await cutPower(slave02);
    await pause(6000);
    await cutPower(master);
    const refused = await run('failover');
    expect(refused).toMatchObject({
      status: 'FAILED',
      error: 'DataLossPossible',
      cause: expect.stringMatching(/pg_sync_slave02 cannot be asked.*waited for.*"allowDataLoss":true/s),
    });
    expect(await sql(slave01, 'select pg_is_in_recovery()')).toBe('t');
    const outcome = await run('failover', { allowDataLoss: true, reason: 'its disk is gone' });
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED', output: { primary: slave01 } });
    expect(JSON.stringify(outcome)).toContain('which was allowed');
    expect(await sql(slave01, 'select pg_is_in_recovery()')).toBe('f');
  }, 300_000);
});
