/** What people do to a cluster, knowing or not, and a standby that hangs. */
import { expect, it } from 'vitest';
import { waitForSql } from '../../../local/client/node-sql.ts';
import { waitFor } from '../../../local/client/wait-for.ts';
import { Writer } from '../../../local/client/writer.ts';
import { hang } from '../../support/hang.ts';
import type { WatchedCluster } from '../../support/watched-cluster.ts';

export function whatPeopleDo(watched: () => WatchedCluster): void {
  const sql = (name: string, statement: string) => watched().sql(name, statement);
  const mailbox = () => watched().mailbox;
  const expectAlerts = (...subjects: RegExp[]) => watched().expectAlerts(...subjects);
  const expectSilence = () => watched().expectSilence();

  it.sequential('by the runbook itself: when it starts, and how it has ended', async () => {
    const notices = await mailbox().notices();
    expect(notices.map(({ subject }) => subject)).toEqual(['STARTED pg-sync: setup', 'DONE pg-sync: setup']);
    expect(notices[1]?.text).toMatch(/pg_sync_slave01 +\| +127\.\d+\.\d+\.\d+ +\| +sync\n/);
    expect(notices[1]?.text).toMatch(/Execution: https:.*execution:pg-sync-setup:/);
  });

  it.sequential('not at all while the cluster is being set up and is healthy', expectSilence);

  it.sequential('when a setting drifts, with what is expected and found', async () => {
    await sql('pg_sync_master', "alter system set wal_sender_timeout = '60s'");
    await sql('pg_sync_master', 'select pg_reload_conf()');
    const [mail] = await expectAlerts(/^WARNING pg-sync: wal_sender_timeout/);
    expect(mail?.text).toMatch(/wal_sender_timeout[\s\S]*(60s|1min|60000)[\s\S]*postgresql\.auto\.conf/);
    await sql('pg_sync_master', "alter system set wal_sender_timeout = '8s'");
    await sql('pg_sync_master', 'select pg_reload_conf()');
    await expectAlerts(/^RECOVERED/);
  });

  it.sequential('when replay is paused on a standby', async () => {
    await sql('pg_sync_slave02', 'select pg_wal_replay_pause()');
    await expectAlerts(/^WARNING pg-sync: .*pg_sync_slave02/);
    await sql('pg_sync_slave02', 'select pg_wal_replay_resume()');
    await expectAlerts(/^RECOVERED/);
  });

  it.sequential('not during maintenance, and what is wrong when that ends is told then', async () => {
    const maintain = (input: object) => watched().run('maintenance', input);
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
  });

  it.sequential('when the monitoring user is locked out, in PostgreSQL’s words', async () => {
    await sql('pg_sync_master', "set synchronous_commit = local; alter role replication_monitor password 'another'");
    const [mail] = await expectAlerts(/^WARNING pg-sync: pg_sync_master cannot be observed: authentication/);
    expect(mail?.text).toMatch(/password authentication failed for user "replication_monitor"/);
    await watched().setUp();
    await expectAlerts(/^RECOVERED/);
  });

  // How long they stall: stalls.timed.test.ts.
  it.sequential('when the synchronous standby hangs: writes go on while it still does', async () => {
    const { cluster } = watched();
    const subjects: string[] = [];
    const told = (what: string, subject: RegExp) =>
      waitFor(what, 60, async () => {
        subjects.push(...(await mailbox().unread()).map((mail) => mail.subject));
        return subjects.some((each) => subject.test(each));
      });
    await using writer = await Writer.start(cluster, watched().node('pg_sync_master'));
    {
      using _hanging = hang(cluster, watched().node('pg_sync_slave01'));
      const state = "select sync_state from pg_stat_replication where application_name = 'pg_sync_slave02'";
      await waitForSql(cluster, watched().node('pg_sync_master'), state, 'sync', 60);
      writer.report();
      await waitFor('further commits', 20, () => writer.report().commits > 0);
      await told('an alert', /./);
    }
    await told('the recovery notice', /^RECOVERED/);
    expect(subjects[0]).toMatch(/pg_sync_slave01/);
    expect(subjects.filter((subject) => subject.startsWith('RECOVERED'))).toHaveLength(1);
  });

  it.sequential('after which nothing more is said', expectSilence);

  it.sequential('when two nodes accept writes, as the worst', async () => {
    await sql('pg_sync_slave02', 'select pg_promote()');
    const [mail] = await expectAlerts(/^CRITICAL pg-sync: .*pg_sync_(master|slave02)/);
    expect(mail?.text).toMatch(/pg_sync_master[\s\S]*pg_sync_slave02/);
  });

  it.sequential('to chats in the same order, one thread per incident', async () => {
    await watched().expectSameByHttp();
    const { received } = watched().subscriber;
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
  });
}
