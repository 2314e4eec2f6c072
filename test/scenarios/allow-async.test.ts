/**
 * S10 and what follows: no standby is left, writes are allowed without one for a time, and wait for one again. In one
 * cluster a person allows it, in the other the policy does.
 */
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowanceSchema } from '../../lambdas/contract/allowance.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { startPostgres, stopPostgres } from '../../local/client/host-power.ts';
import type { Mail } from '../../local/client/mailbox.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Writer } from '../../local/client/writer.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const rule = 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")';
const waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";

describe('without a standby', () => {
  let runtime: LocalRuntime;
  let asked: WatchedCluster;
  let degrading: WatchedCluster;
  let writer: Writer;
  let otherWriter: Writer;

  async function notice(of: WatchedCluster, subject: RegExp, seconds = 40): Promise<Mail> {
    return waitFor(`a notice ${subject}`, seconds, async () => {
      return (await of.mailbox.notices()).find((mail) => subject.test(mail.subject)) ?? null;
    });
  }

  /** Alerts until one has this subject; the one. */
  async function alertsUntil(of: WatchedCluster, subject: RegExp, seconds = 60): Promise<Mail> {
    return waitFor(`an alert ${subject}`, seconds, async () => {
      return (await of.mailbox.unread()).find((mail) => subject.test(mail.subject)) ?? null;
    });
  }

  const stop = (name: string) => stopPostgres(asked.cluster, asked.node(name));
  const start = (name: string) => startPostgres(asked.cluster, asked.node(name));

  beforeAll(async () => {
    const nodes = nodesNamed(master, slave01, slave02, 'auto_primary', 'auto_first', 'auto_second');
    const [one, two] = await Promise.all(['pg-sync', 'pg-auto'].map(alertsTo));
    if (one === undefined || two === undefined) throw new RangeError('two are started');
    const monitoring = { checkIntervalSeconds: 5 };
    runtime = await LocalRuntime.start({
      clusters: [
        { ...notesCluster({ name: 'pg-sync', nodes: nodes.slice(0, 3) }), alerts: one.alerts, monitoring },
        {
          ...notesCluster({
            name: 'pg-auto',
            nodes: nodes.slice(3),
            policy: { whenNoStandby: 'degrade', degradeMinutes: 5 },
          }),
          alerts: two.alerts,
          monitoring,
        },
      ],
    });
    asked = new WatchedCluster(runtime, 'pg-sync', one.subscriber);
    degrading = new WatchedCluster(runtime, 'pg-auto', two.subscriber);
    await Promise.all([asked.setUp(), degrading.setUp()]);
    [writer, otherWriter] = await Promise.all([
      Writer.start(asked.cluster, asked.node(master)),
      Writer.start(degrading.cluster, degrading.node('auto_primary')),
    ]);
  });

  afterAll(async () => {
    // First what a writer may still wait for.
    await runtime?.[Symbol.asyncDispose]();
    await Promise.all([writer?.stop(), otherWriter?.stop()]);
    for (const each of [asked, degrading]) await each?.subscriber[Symbol.asyncDispose]();
  });

  describe.concurrent('a person', () => {
    it.sequential('is refused while a standby confirms commits: there is nothing to allow', async () => {
      const outcome = await asked.run('allow-async', { minutes: 60, reason: 'too early' });
      expect(outcome).toMatchObject({
        status: 'FAILED',
        error: 'NothingToAllow',
        cause: expect.stringContaining('pg_sync_slave01'),
      });
      expect(await asked.sql(master, 'show synchronous_standby_names')).toBe(rule);
    });

    it.sequential('reads that writes block, and that allow-async is one way out', async () => {
      await Promise.all([stop(slave01), stop(slave02)]);
      const { text } = await alertsUntil(asked, /^CRITICAL pg-sync: writes blocked/);
      expect(text).toContain(`pg-sync-allow-async --input '{"minutes":60,`);
    });

    it.sequential('lets them go on: nothing is cancelled, and the debt begins where the standbys ended', async () => {
      const flushed = await asked.sql(
        master,
        "select max(restart_lsn) from pg_replication_slots where slot_name ~ '^pg_sync_slave'",
      );
      const reason = 'both standbys are being repaired';
      const outcome = await asked.run('allow-async', { minutes: 60, reason });
      expect(outcome).toMatchObject({
        status: 'SUCCEEDED',
        output: { primary: master, allowance: { reason, lsn: flushed, automatic: false } },
      });
      expect(await asked.sql(master, waiting)).toBe('0');
      writer.report();
      await waitFor('further commits', 20, () => writer.report().commits > 0);
      const { text } = await notice(asked, /^DONE pg-sync: allow-async$/);
      expect(text).toMatch(/go on without a standby until 20.* UTC \(1 h\): both standbys are being repaired/);
      expect(text).toContain(`what was committed after ${flushed}`);
    });

    it.sequential('reads until when it lasts, and what is unprotected, and not that something is wrong with the settings', async () => {
      const { subject, text } = await alertsUntil(asked, /^BETTER/);
      expect(subject).toMatch(/^BETTER pg-sync: writes flow again, writes go on without a standby until \d\d:\d\d UTC/);
      expect(text).toMatch(/Durability debt: [\d.]+ \w+ of WAL after \d+\/\w+\. It is lost if pg_sync_master is lost/);
      expect(text).not.toMatch(/commits are not synchronous|differs on/);
    });

    it.sequential('cannot make writes block again by mistake', async () => {
      expect(await asked.run('resume-sync')).toMatchObject({ status: 'FAILED', error: 'TooFewStandbys' });
      expect(await asked.sql(master, 'show synchronous_standby_names')).toBe('');
    });

    it.sequential('need not think of the end: with a standby back commits wait for it again by themselves', async () => {
      await asked.mailbox.notices();
      await start(slave02);
      const { text } = await notice(asked, /^DONE pg-sync: resume-sync$/);
      expect(text).toMatch(/pg_sync_slave02 has caught up/);
      expect(await asked.sql(master, 'show synchronous_standby_names')).toBe(rule);
      expect(await asked.sql(master, 'select sync_state from pg_stat_replication')).toBe('sync');
      await asked.sql(master, 'set synchronous_commit = on; insert into written values (0, now())');
      await start(slave01);
      await alertsUntil(asked, /^RECOVERED/);
    });

    it.sequential('is told when the time is over: then writes wait again', async () => {
      await Promise.all([stop(slave01), stop(slave02)]);
      await alertsUntil(asked, /^CRITICAL pg-sync: writes blocked/);
      const outcome = await asked.run('allow-async', { minutes: 1, reason: 'only a minute' });
      expect(outcome.status).toBe('SUCCEEDED');
      const allowance = allowanceSchema.parse('output' in outcome ? outcome.output.allowance : null);
      await alertsUntil(asked, /^BETTER/);
      await asked.mailbox.notices();
      await runtime.clients.dynamodb.send(
        new UpdateItemCommand({
          TableName: resourceNames('pg-sync').stateTable,
          Key: { id: { S: 'allowance' } },
          UpdateExpression: 'SET allowance = :allowance',
          ExpressionAttributeValues: {
            ':allowance': { S: JSON.stringify({ ...allowance, until: new Date().toISOString() }) },
          },
        }),
      );
      const { text } = await notice(asked, /^DONE pg-sync: resume-sync$/);
      expect(text).toMatch(
        /and wait: they need 1 standby, and none has caught up\.\n+The time that was allowed is over/,
      );
      await alertsUntil(asked, /^CRITICAL pg-sync: writes blocked/);
      expect(await asked.sql(master, 'show synchronous_standby_names')).toBe(rule);
      await Promise.all([start(slave01), start(slave02)]);
      await alertsUntil(asked, /^RECOVERED/);
    });

    it.sequential('is removed by resume-sync, too, when it cannot be read', async () => {
      const item = { TableName: resourceNames('pg-sync').stateTable, Key: { id: { S: 'allowance' } } };
      await runtime.clients.dynamodb.send(
        new UpdateItemCommand({
          ...item,
          UpdateExpression: 'SET allowance = :allowance',
          ExpressionAttributeValues: { ':allowance': { S: '{"for":"whom?"}' } },
        }),
      );
      const outcome = await asked.run('resume-sync');
      expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
      const { Item } = await runtime.clients.dynamodb.send(new GetItemCommand({ ...item, ConsistentRead: true }));
      expect(Item).toEqual({ id: { S: 'allowance' } });
    });
  });

  describe.concurrent('the policy to degrade', () => {
    const auto = (verb: typeof stopPostgres, name: string) => verb(degrading.cluster, degrading.node(name));

    it.sequential('does the same without a person, as an alert of its own', async () => {
      otherWriter.report();
      await Promise.all([auto(stopPostgres, 'auto_first'), auto(stopPostgres, 'auto_second')]);
      await alertsUntil(degrading, /^CRITICAL pg-auto: writes blocked/);
      const { subject, text } = await alertsUntil(degrading, /without a standby until/);
      expect(subject).toMatch(/^CRITICAL/);
      expect(text).toMatch(/by policy \(whenNoStandby: degrade\)/);
      await notice(degrading, /^DONE pg-auto: allow-async$/);
      const { longestMilliseconds } = otherWriter.report();
      console.log(`longest write until the policy let it go on: ${(longestMilliseconds / 1000).toFixed(1)} s`);
      expect(longestMilliseconds).toBeGreaterThan(10_000);
      // It goes on because it may: longer than this it would have to wait for a standby.
      expect(longestMilliseconds).toBeLessThan(120_000);
    });

    it.sequential('ends with a standby', async () => {
      await auto(startPostgres, 'auto_second');
      await notice(degrading, /^DONE pg-auto: resume-sync$/);
      await auto(startPostgres, 'auto_first');
      await alertsUntil(degrading, /^RECOVERED/);
      expect(await degrading.sql('auto_primary', 'show synchronous_standby_names')).toBe(
        'FIRST 1 ("auto_first","auto_second")',
      );
    });

    it.sequential('is for one incident: when it comes back at once, writes wait for a person', async () => {
      await Promise.all([auto(stopPostgres, 'auto_first'), auto(stopPostgres, 'auto_second')]);
      await alertsUntil(degrading, /^CRITICAL pg-auto: writes blocked/);
      await degrading.expectSilence(6);
      expect(await degrading.sql('auto_primary', 'show synchronous_standby_names')).not.toBe('');
      await Promise.all([auto(startPostgres, 'auto_first'), auto(startPostgres, 'auto_second')]);
    });
  });
});
