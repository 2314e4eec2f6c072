/** S10 and what follows: no standby is left, writes are allowed without one for a time, and wait for one again. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, stopPostgres } from '../../local/client/host-power.ts';
import { type Mail, Mailbox } from '../../local/client/mailbox.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { Writer } from '../../local/client/writer.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime, waitFor } from '../support/local-runtime.ts';

const intervalSeconds = 5;
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const rule = 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")';

describe('without a standby', () => {
  let runtime: LocalRuntime;
  let mailbox: Mailbox;
  let writer: Writer;

  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const sql = (name: string, statement: string) => superuserSql(runtime.cluster, node(name), statement);
  const run = (runbook: 'setup' | 'allow-async' | 'resume-sync', input = {}) =>
    runRunbook(runtime.clients, 'pg-sync', runbook, 240, undefined, input);

  /** Waits for one alert: the next mail of the checker. */
  async function nextAlert(what: string): Promise<Mail> {
    const [mail] = await mailbox.next(what, 4 * intervalSeconds + 20);
    if (mail === undefined) throw new Error(`no mail: ${what}`);
    return mail;
  }

  async function notice(subject: RegExp): Promise<Mail> {
    return waitFor(`a notice ${subject}`, 30, async () => {
      return (await mailbox.notices()).find((mail) => subject.test(mail.subject)) ?? null;
    });
  }

  beforeAll(async () => {
    const cluster = notesCluster({ postgres: { majorVersion: 15 } });
    const clusters = [
      {
        ...cluster,
        alerts: { emails: ['dba@example.com'] },
        monitoring: { checkIntervalSeconds: intervalSeconds },
      },
    ];
    runtime = await LocalRuntime.start({ clusters });
    mailbox = new Mailbox(join(runtime.directory, 'mail'));
    const outcome = await run('setup');
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
    writer = await Writer.start(runtime.cluster, node(master));
  }, 300_000);

  afterAll(async () => {
    await writer?.stop();
    await runtime?.[Symbol.asyncDispose]();
  }, 60_000);

  it('there is nothing to allow while a standby confirms commits', async () => {
    const outcome = await run('allow-async', { minutes: 60, reason: 'too early' });
    expect(outcome).toMatchObject({
      status: 'FAILED',
      error: 'NothingToAllow',
      cause: expect.stringContaining('pg_sync_slave01'),
    });
    expect(await sql(master, 'show synchronous_standby_names')).toBe(rule);
  });

  it('writes block, and the alert offers allow-async beside bringing a standby back', async () => {
    await Promise.all([slave01, slave02].map((name) => stopPostgres(runtime.cluster, node(name))));
    const { subject, text } = await nextAlert('writes blocked');
    expect(subject).toMatch(/^CRITICAL pg-sync: writes blocked/);
    expect(text).toContain(`pg-sync-allow-async --input '{"minutes":60,`);
  }, 60_000);

  it('the runbook lets them go on, cancels nobody, and says where the debt begins', async () => {
    const flushed = await sql(
      master,
      "select max(restart_lsn) from pg_replication_slots where slot_name ~ '^pg_sync_slave'",
    );
    const outcome = await run('allow-async', { minutes: 60, reason: 'both standbys are being repaired' });
    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { primary: master, allowance: { reason: 'both standbys are being repaired', lsn: flushed } },
    });
    expect(await sql(master, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'")).toBe('0');
    writer.report();
    await waitFor('further commits', 5, () => writer.report().commits > 0 || null);
    const { text } = await notice(/^DONE pg-sync: allow-async$/);
    expect(text).toMatch(/go on without a standby until 20.* UTC \(1 h\): both standbys are being repaired/);
    expect(text).toContain(`what was committed after ${flushed}`);
  }, 60_000);

  it('the checker says that it is meant, until when, and what is unprotected', async () => {
    const { subject, text } = await nextAlert('writes flow again');
    expect(subject).toMatch(/^BETTER pg-sync: writes flow again, writes go on without a standby until \d\d:\d\d UTC/);
    expect(text).toMatch(/Durability debt: [\d.]+ \w+ of WAL after \d+\/\w+\. It is lost if pg_sync_master is lost/);
    expect(text).not.toMatch(/CommitsNotReplicated|commits are not synchronous/);
  }, 60_000);

  it('nobody makes writes block again by mistake', async () => {
    expect(await run('resume-sync')).toMatchObject({ status: 'FAILED', error: 'TooFewStandbys' });
    expect(await sql(master, 'show synchronous_standby_names')).toBe('');
  }, 60_000);

  it('with a standby back commits wait for it again, and the recovery is told', async () => {
    await startPostgres(runtime.cluster, node(slave02));
    await waitFor(
      'the standby to stream',
      30,
      async () =>
        (await sql(master, "select count(*) from pg_stat_replication where state = 'streaming'")) === '1' || null,
    );
    writer.report();
    const outcome = await run('resume-sync');
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED', output: { writesBlock: false } });
    expect(await sql(master, 'show synchronous_standby_names')).toBe(rule);
    expect(await sql(master, 'select sync_state from pg_stat_replication')).toBe('sync');
    expect(writer.report().longestMilliseconds).toBeLessThan(1000);
    await startPostgres(runtime.cluster, node(slave01));
    const subjects: string[] = [];
    await waitFor('the recovery notice', 60, async () => {
      subjects.push(...(await mailbox.unread()).map(({ subject }) => subject));
      return subjects.at(-1)?.startsWith('RECOVERED') === true || null;
    });
  }, 120_000);
});
