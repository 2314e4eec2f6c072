/**
 * What the checker says of an incident: the expected alerts in their order, one recovery notice, and nothing else.
 * Three clusters have their incidents at the same time, each one after the other.
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataDirectoryOf } from '../../local/client/host-access.ts';
import { stopPostgres } from '../../local/client/host-power.ts';
import { Writer } from '../../local/client/writer.ts';
import { processesOf } from '../../local/hosts/host-processes.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime, waitFor } from '../support/local-runtime.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

const intervalSeconds = 5;
const started = performance.now();

describe('an incident is told', () => {
  let runtime: LocalRuntime;
  const watched = new Map<string, WatchedCluster>();

  /** A cluster that the runtime runs; to be asked for once it does. */
  function clusterOf(name: string): WatchedCluster {
    const found = watched.get(name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  beforeAll(async () => {
    const nodes = nodesNamed(
      ...['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'],
      ...['slow_primary', 'slow_first', 'slow_second'],
      ...['fresh_primary', 'fresh_standby'],
    );
    const [notes, slow, fresh] = await Promise.all(['pg-sync', 'slow', 'fresh'].map(alertsTo));
    if (notes === undefined || slow === undefined || fresh === undefined) throw new RangeError('three are started');
    const postgres = { majorVersion: 15 };
    const monitoring = { checkIntervalSeconds: intervalSeconds };
    runtime = await LocalRuntime.start({
      clusters: [
        {
          ...notesCluster({ name: 'pg-sync', postgres, nodes: nodes.slice(0, 3) }),
          alerts: notes.alerts,
          monitoring,
        },
        {
          // As little as may be configured: 256 MB of WAL for a slot, half of that is worth a warning.
          ...notesCluster({
            name: 'slow',
            postgres: { ...postgres, walKeepSegments: 16, slotKeepSegments: 16 },
            nodes: nodes.slice(3, 6),
          }),
          alerts: slow.alerts,
          monitoring: { ...monitoring, lagWarningBytes: 1000, lagWarningSeconds: 2 },
        },
        { ...notesCluster({ name: 'fresh', postgres, nodes: nodes.slice(6) }), alerts: fresh.alerts, monitoring },
      ],
    });
    for (const [name, { subscriber }] of Object.entries({ 'pg-sync': notes, slow, fresh })) {
      watched.set(name, new WatchedCluster(runtime, name, subscriber));
    }
    await Promise.all([clusterOf('pg-sync').setUp(), clusterOf('slow').setUp()]);
  }, 300_000);

  afterAll(async () => {
    await runtime?.[Symbol.asyncDispose]();
    for (const { subscriber } of watched.values()) await subscriber[Symbol.asyncDispose]();
  }, 60_000);

  describe.concurrent('of the notes’ cluster', () => {
    const sql = (name: string, statement: string) => clusterOf('pg-sync').sql(name, statement);
    const mailbox = () => clusterOf('pg-sync').mailbox;
    const expectAlerts = (...subjects: RegExp[]) => clusterOf('pg-sync').expectAlerts(...subjects);
    const expectSilence = () => clusterOf('pg-sync').expectSilence();

    it.sequential('by the runbook itself: when it starts, and how it has ended', async () => {
      const notices = await mailbox().notices();
      expect(notices.map(({ subject }) => subject)).toEqual(['STARTED pg-sync: setup', 'DONE pg-sync: setup']);
      expect(notices[1]?.text).toMatch(/pg_sync_slave01 +\| +127\.\d+\.\d+\.\d+ +\| +sync\n/);
      expect(notices[1]?.text).toMatch(/Execution: https:.*execution:pg-sync-setup:/);
    });

    it.sequential('not at all while the cluster is being set up and is healthy', expectSilence, 60_000);

    it.sequential('when a setting drifts, with what is expected and found', async () => {
      await sql('pg_sync_master', "alter system set wal_sender_timeout = '60s'");
      await sql('pg_sync_master', 'select pg_reload_conf()');
      const [mail] = await expectAlerts(/^WARNING pg-sync: wal_sender_timeout/);
      expect(mail?.text).toMatch(/wal_sender_timeout[\s\S]*(60s|1min|60000)[\s\S]*postgresql\.auto\.conf/);
      await sql('pg_sync_master', "alter system set wal_sender_timeout = '8s'");
      await sql('pg_sync_master', 'select pg_reload_conf()');
      await expectAlerts(/^RECOVERED/);
    }, 90_000);

    it.sequential('when replay is paused on a standby', async () => {
      await sql('pg_sync_slave02', 'select pg_wal_replay_pause()');
      await expectAlerts(/^WARNING pg-sync: .*pg_sync_slave02/);
      await sql('pg_sync_slave02', 'select pg_wal_replay_resume()');
      await expectAlerts(/^RECOVERED/);
    }, 90_000);

    it.sequential('not during maintenance, and what is wrong when that ends is told then', async () => {
      const maintain = (input: object) => clusterOf('pg-sync').run('maintenance', input);
      expect(await maintain({ minutes: 1441, reason: 'new kernel' })).toMatchObject({
        status: 'FAILED',
        error: 'InvalidInput',
        cause: expect.stringContaining('minutes: must be a whole number of minutes from 1 to 1440'),
      });
      expect(await maintain({ minutes: 60, reason: 'new kernel' })).toMatchObject({
        status: 'SUCCEEDED',
        output: { until: expect.stringMatching(/^20/), reason: 'new kernel', status: 'healthy', wrong: [] },
      });
      await sql('pg_sync_slave02', 'select pg_wal_replay_pause()');
      await expectSilence();
      expect(await maintain({ minutes: 0 })).toMatchObject({
        status: 'SUCCEEDED',
        output: { until: null, wrong: [expect.stringContaining('pg_sync_slave02')] },
      });
      const [mail] = await expectAlerts(/^WARNING pg-sync: replay is paused on pg_sync_slave02/);
      expect(mail?.text).toContain('Maintenance (new kernel) ended at ');
      await sql('pg_sync_slave02', 'select pg_wal_replay_resume()');
      await expectAlerts(/^RECOVERED/);
      expect((await mailbox().notices()).map(({ subject }) => subject)).toEqual([
        expect.stringMatching(/^MAINTENANCE pg-sync: until 20.* UTC: new kernel$/),
        'MAINTENANCE pg-sync: ended before its time',
      ]);
    }, 120_000);

    it.sequential('when the monitoring user is locked out, in PostgreSQL’s words', async () => {
      await sql('pg_sync_master', "set synchronous_commit = local; alter role replication_monitor password 'another'");
      const [mail] = await expectAlerts(/^WARNING pg-sync: pg_sync_master cannot be observed: authentication/);
      expect(mail?.text).toMatch(/password authentication failed for user "replication_monitor"/);
      await clusterOf('pg-sync').setUp();
      await expectAlerts(/^RECOVERED/);
    }, 120_000);

    it.sequential('when the synchronous standby hangs: writes stall for less than 12 s', async () => {
      const { cluster } = clusterOf('pg-sync');
      const writer = await Writer.start(cluster, clusterOf('pg-sync').node('pg_sync_master'));
      const directory = join(runtime.directory, 'nodes', 'pg_sync_slave01');
      const pids = processesOf(directory, new Set()).map(({ pid }) => pid);
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await waitFor('another synchronous standby', 30, async () => {
        const state = await sql(
          'pg_sync_master',
          "select sync_state from pg_stat_replication where application_name = 'pg_sync_slave02'",
        );
        return state === 'sync' || null;
      });
      await pause(2 * intervalSeconds * 1000);
      const { longestMilliseconds } = writer.report();
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      await writer.stop();
      console.log(`longest write while the synchronous standby hung: ${(longestMilliseconds / 1000).toFixed(1)} s`);
      expect(longestMilliseconds).toBeLessThan(12_000);
      const subjects: string[] = [];
      await waitFor('the recovery notice', 60, async () => {
        subjects.push(...(await mailbox().unread()).map(({ subject }) => subject));
        return subjects.at(-1)?.startsWith('RECOVERED') === true || null;
      });
      expect(subjects[0]).toMatch(/pg_sync_slave01/);
      expect(subjects.filter((subject) => subject.startsWith('RECOVERED'))).toHaveLength(1);
    }, 150_000);

    it.sequential('after which nothing more is said', expectSilence, 60_000);

    it.sequential('when two nodes accept writes, as the worst', async () => {
      await sql('pg_sync_slave02', 'select pg_promote()');
      const [mail] = await expectAlerts(/^CRITICAL pg-sync: .*pg_sync_(master|slave02)/);
      expect(mail?.text).toMatch(/pg_sync_master[\s\S]*pg_sync_slave02/);
    }, 60_000);

    it.sequential('to chats in the same order, one thread per incident', () => {
      const { received } = clusterOf('pg-sync').subscriber;
      const threads = Map.groupBy(received, ({ metadata }) => metadata?.threadId);
      expect(threads.has(undefined)).toBe(false);
      expect(threads.get('pg-sync-maintenance')).toHaveLength(2);
      const runbooks = [...threads].filter(([thread]) => thread?.includes(':execution:'));
      for (const [thread, messages] of runbooks) {
        const titles = messages.map(({ content }) => content.title.split(' ')[0]);
        expect(titles, thread).toEqual(['STARTED', 'DONE']);
      }
      const incidents = [...threads].filter(([thread]) => /^pg-sync-\d/.test(thread ?? ''));
      expect(runbooks.length + incidents.length + 1).toBe(threads.size);
      for (const [thread, messages] of incidents.slice(0, -1)) {
        expect(
          messages.filter(({ content }) => content.title.includes('RECOVERED')),
          thread,
        ).toHaveLength(1);
        expect(messages.at(-1)?.content.title).toMatch(/RECOVERED/);
      }
      clusterOf('pg-sync').expectSameByHttp();
    });
  });

  describe.concurrent('of a standby that falls behind', () => {
    const sql = (name: string, statement: string) => clusterOf('slow').sql(name, statement);

    /** Goes on to so many further WAL segments of 16 MB; what is left of each is empty. */
    const useSegments = (count: number) =>
      sql(
        'slow_primary',
        `do $$ begin for i in 1..${count} loop
           perform pg_logical_emit_message(false, 'test', 'something to switch from');
           perform pg_switch_wal();
         end loop; end $$`,
      );

    it.sequential('when it does not keep up with what is written, by bytes and by time', async () => {
      const { cluster } = clusterOf('slow');
      const writer = await Writer.start(cluster, clusterOf('slow').node('slow_primary'));
      const startup = Number(
        await sql('slow_second', "select pid from pg_stat_activity where backend_type = 'startup'"),
      );
      process.kill(startup, 'SIGSTOP');
      try {
        const [mail] = await clusterOf('slow').expectAlerts(/^WARNING slow: slow_second lags \d+ s$/);
        expect(mail?.text).toMatch(/slow_second has stored all but .* and has yet to replay .* kB of WAL/);
        expect(mail?.text).toContain('Every commit is confirmed by slow_first; 1 more standby can be lost');
        await clusterOf('slow').expectSilence(2);
      } finally {
        process.kill(startup, 'SIGCONT');
      }
      await clusterOf('slow').expectAlerts(/^RECOVERED/);
      await writer.stop();
    }, 120_000);

    it.sequential('when it is away: its slot fills, until the WAL that it needs is gone', async () => {
      await stopPostgres(clusterOf('slow').cluster, clusterOf('slow').node('slow_second'));
      await clusterOf('slow').expectAlerts(/^WARNING slow: slow_second is down$/);
      await useSegments(9);
      const [filling] = await clusterOf('slow').expectAlerts(/^WARNING slow: slot slow_second keeps 1\d\d MB of WAL/);
      expect(filling?.text).toMatch(/At 256 MB the primary removes it, and the standby has to be rebuilt/);
      await useSegments(10);
      await sql('slow_primary', 'checkpoint');
      const [lost] = await clusterOf('slow').expectAlerts(/^WARNING slow: slow_second needs a rebuild/);
      expect(lost?.text).toMatch(/No longer so: slot slow_second keeps/);
    }, 120_000);

    it.sequential('and nothing more for 30 s while it stays so', () => clusterOf('slow').expectSilence(6), 60_000);

    it.sequential('until the remedy that the alert names has been applied', async () => {
      const { cluster } = clusterOf('slow');
      const directory = dataDirectoryOf(cluster, clusterOf('slow').node('slow_second'));
      renameSync(directory, `${directory}.away`);
      await clusterOf('slow').setUp();
      await clusterOf('slow').expectAlerts(/^RECOVERED slow: all well again after/);
      await clusterOf('slow').expectSilence();
    }, 120_000);

    it.sequential('to chats as by mail', () => clusterOf('slow').expectSameByHttp());
  });

  describe.concurrent('of a cluster that was never set up', () => {
    it.sequential('once, after two minutes', async () => {
      const [mail] = await clusterOf('fresh').mailbox.next('not set up', 150);
      expect((performance.now() - started) / 1000).toBeGreaterThan(120);
      expect(mail?.subject).toBe('WARNING fresh: not set up yet');
      expect(mail?.text).toMatch(/No node has ever answered: fresh_primary \(refused\) and fresh_standby \(refused\)/);
      expect(mail?.text).toContain('Start the setup runbook.');
      await clusterOf('fresh').expectSilence(6);
      clusterOf('fresh').expectSameByHttp();
    }, 240_000);
  });
});
