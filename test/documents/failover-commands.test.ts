/** Fencing, detaching, promoting and their way back, on hosts with real PostgreSQL. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts } from './hosts.ts';

const rule = (...names: string[]) => ({ StandbyNames: `FIRST 1 (${names.map((name) => `"${name}"`).join(',')})` });
const checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
const isAutomatic = (hosts: Hosts, node: string) => existsSync(`${hosts.dataOf(node)}.runbook/autostart`);

describe.sequential('a planned change of the primary', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());
  let lastCheckpointLsn = '';

  it('fence-primary leaves a standby alone', async () => {
    expect(await hosts.succeed('beta', 'fence-primary', { Mode: 'any' })).toMatchObject({
      changed: false,
      role: 'standby',
      wasRunning: true,
    });
    expect(hosts.sql('beta', 'SELECT 1')).toBe('1');
  });

  it('fence-primary stops the primary cleanly, and nothing of ours starts it again', async () => {
    const result = await hosts.succeed('alpha', 'fence-primary', { Mode: 'clean' });
    expect(result).toMatchObject({
      changed: true,
      role: 'primary',
      wasRunning: true,
      cleanShutdown: true,
      timeline: 1,
      standbyNames: 'FIRST 1 ("beta","gamma")',
    });
    lastCheckpointLsn = `${result.lastCheckpointLsn}`;
    expect(isAutomatic(hosts, 'alpha')).toBe(false);
    expect(await hosts.refuse('alpha', 'configure-primary')).toMatchObject({ error: 'NodeIsFenced' });
    expect(await hosts.succeed('alpha', 'fence-primary', { Mode: 'clean' })).toMatchObject({
      changed: false,
      wasRunning: false,
      cleanShutdown: true,
      lastCheckpointLsn,
    });
  });

  it('return-primary lets it be the primary again while nobody else is', async () => {
    expect(await hosts.succeed('alpha', 'return-primary', { Start: 'yes' })).toMatchObject({ started: true });
    expect(isAutomatic(hosts, 'alpha')).toBe(true);
    await waitFor('beta streams', 20, () => hosts.sql('alpha', 'SELECT count(*) FROM pg_stat_replication') === '2');
    expect(await hosts.succeed('alpha', 'return-primary', { Start: 'yes' })).toMatchObject({ changed: false });
  });

  it('promote refuses a standby that lacks WAL, then promotes it with its rule in force and slots for the others', async () => {
    const { lastCheckpointLsn: end } = await hosts.succeed('alpha', 'fence-primary', { Mode: 'clean' });
    const beyond = { ...rule('alpha', 'gamma'), MinimumLsn: 'FF/0' };
    expect(await hosts.refuse('beta', 'promote', beyond)).toMatchObject({ error: 'StandbyLacksWal' });
    expect(hosts.sql('beta', 'SELECT pg_is_in_recovery()')).toBe('t');
    const wanted = { ...rule('alpha', 'gamma'), MinimumLsn: `${end}` };
    expect(await hosts.succeed('beta', 'promote', wanted)).toMatchObject({ promoted: true, timeline: 2 });
    expect(hosts.sql('beta', 'SHOW synchronous_standby_names')).toBe('FIRST 1 ("alpha","gamma")');
    expect(hosts.sql('beta', 'SELECT slot_name FROM pg_replication_slots ORDER BY 1')).toBe('alpha\ngamma');
    expect(await hosts.succeed('beta', 'promote', wanted)).toMatchObject({ changed: false, promoted: false });
  });

  it('return-primary refuses once another node was promoted', async () => {
    expect(await hosts.refuse('alpha', 'return-primary', { Start: 'yes' })).toMatchObject({
      error: 'TwoPrimaries',
      message: expect.stringContaining('beta is on timeline 2'),
    });
  });

  it('both others follow; the former primary is enabled again and keeps no WAL for slots that it had', async () => {
    await Promise.all(
      ['alpha', 'gamma'].map(async (node) => {
        await hosts.succeed(node, 'follow-primary', { Primary: 'beta' });
        await hosts.succeed(node, 'start-standby', { Primary: 'beta' });
      }),
    );
    const table = 'SELECT application_name, sync_state FROM pg_stat_replication ORDER BY 1';
    expect(hosts.sql('beta', table)).toBe('alpha|sync\ngamma|potential');
    expect(isAutomatic(hosts, 'alpha')).toBe(true);
    expect(hosts.sql('alpha', 'SELECT count(*) FROM pg_replication_slots')).toBe('0');
    expect(existsSync(`${hosts.dataOf('alpha')}.runbook/fenced`)).toBe(false);
    expect(await hosts.succeed('beta', 'configure-primary')).toMatchObject({ restarted: false });
  });
});

describe.sequential('an unplanned one', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('stop-following: the primary gets no confirmation any more, and its standby says how far its WAL goes', async () => {
    hosts.sql('alpha', 'CREATE TABLE t AS SELECT 1 AS id');
    const results = await Promise.all([
      hosts.succeed('beta', 'stop-following', rule('alpha', 'gamma')),
      hosts.succeed('gamma', 'stop-following', rule('alpha', 'beta')),
    ]);
    for (const result of results) expect(result).toMatchObject({ changed: true, inRecovery: true, timeline: 1 });
    expect(hosts.sql('alpha', 'SELECT count(*) FROM pg_stat_replication')).toBe('0');
    expect(hosts.sql('alpha', `SELECT '${results[0]?.replayedLsn}' = pg_current_wal_lsn()::text`)).toBe('t');
    expect(await hosts.succeed('beta', 'stop-following', rule('alpha', 'gamma'))).toMatchObject({ changed: false });
  });

  it('resume-following points it back, whether the primary runs or not', async () => {
    await hosts.succeed('beta', 'resume-following', { Primary: 'alpha' });
    await hosts.succeed('gamma', 'resume-following', { Primary: 'alpha' });
    await waitFor('both stream', 20, () => hosts.sql('alpha', 'SELECT count(*) FROM pg_stat_replication') === '2');
    hosts.stop('alpha', 'immediate');
    await hosts.succeed('beta', 'stop-following', rule('alpha', 'gamma'));
    await hosts.succeed('beta', 'resume-following', { Primary: 'alpha' });
    hosts.start('alpha');
    await waitFor(
      'both stream again',
      20,
      () => hosts.sql('alpha', 'SELECT count(*) FROM pg_stat_replication') === '2',
    );
  });

  it('fence-primary ends a primary that does not shut down, with everything that it started', async () => {
    const pid = Number(hosts.sql('alpha', 'SELECT pg_backend_pid()')) && hosts.postmasterOf('alpha');
    process.kill(pid, 'SIGSTOP');
    expect(await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' })).toMatchObject({
      changed: true,
      wasRunning: true,
      cleanShutdown: false,
      state: 'in production',
    });
    expect(existsSync(`/proc/${pid}/cwd`)).toBe(false);
    expect(await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' })).toMatchObject({ changed: false });
    expect(await hosts.refuse('alpha', 'fence-primary', { Mode: 'clean' })).toMatchObject({
      error: 'NotShutDownCleanly',
    });
  });

  it('a clean stop of a primary that no switchover has stopped is refused, and leaves it as it was', async () => {
    await hosts.succeed('alpha', 'return-primary', { Start: 'no' });
    expect(isAutomatic(hosts, 'alpha')).toBe(true);
    expect(await hosts.refuse('alpha', 'fence-primary', { Mode: 'clean' })).toMatchObject({
      error: 'PrimaryNotRunning',
    });
    expect(existsSync(join(`${hosts.dataOf('alpha')}.runbook`, 'fenced'))).toBe(false);
  });

  it('a standby on a later timeline says so, also without a receiver', async () => {
    const { receivedLsn } = await hosts.succeed('beta', 'stop-following', rule('alpha', 'gamma'));
    await hosts.succeed('gamma', 'stop-following', rule('alpha', 'beta'));
    // As in the minutes after a promotion: its checkpoint has not ended yet.
    process.kill(Number(hosts.sql('beta', checkpointer)), 'SIGSTOP');
    await hosts.succeed('beta', 'promote', { ...rule('gamma'), MinimumLsn: '0/0' });
    expect(receivedLsn).toMatch(/^0\/\w+$/);
    await hosts.succeed('gamma', 'start-standby', { Primary: 'beta' });
    hosts.sql('beta', 'INSERT INTO t VALUES (2)');
    expect(await hosts.succeed('gamma', 'stop-following', rule('alpha', 'beta'))).toMatchObject({ timeline: 2 });
    expect(await hosts.succeed('gamma', 'stop-following', rule('alpha', 'beta'))).toMatchObject({ timeline: 2 });
  });

  it('return-primary knows the timeline of a node that was promoted minutes ago, and a successor by its history', async () => {
    const history = join(hosts.dataOf('beta'), 'pg_wal', '00000002.history');
    expect(await hosts.succeed('beta', 'fence-primary', { Mode: 'any' })).toMatchObject({ timeline: 1 });
    const own = readFileSync(history, 'utf8');
    writeFileSync(history, own.replace(/\t0\/\w+/, '\t0/1234'));
    expect(await hosts.refuse('beta', 'return-primary', { Start: 'yes' })).toMatchObject({ error: 'TwoPrimaries' });
    writeFileSync(history, own);
    expect(await hosts.succeed('beta', 'return-primary', { Start: 'yes' })).toMatchObject({ started: true });
  });
});

describe.sequential('a standby that has confirmed WAL and not replayed it', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
    hosts.sql('alpha', 'CREATE TABLE t AS SELECT 1 AS id');
  });
  afterAll(() => hosts.remove());

  /** Commits on alpha what the node confirms and does not replay for a while; the end of its WAL. */
  const commitAhead = async (node: string, time: string): Promise<string> => {
    delay(hosts, node, time);
    hosts.sql('alpha', 'INSERT INTO t VALUES (2)');
    const end = hosts.sql('alpha', 'SELECT pg_current_wal_lsn()');
    await waitFor('it is there', 20, () => hosts.sql(node, `SELECT pg_last_wal_receive_lsn() >= '${end}'`) === 't');
    return end;
  };
  const hasReplayed = (node: string, end: string) => hosts.sql(node, `SELECT pg_last_wal_replay_lsn() >= '${end}'`);

  it('stop-following ends the receiver although PostgreSQL needs no more WAL for now', async () => {
    const end = await commitAhead('gamma', '10min');
    const { receivedLsn } = await hosts.succeed('gamma', 'stop-following', rule('alpha', 'beta'));
    expect(hosts.sql('gamma', `SELECT '${receivedLsn}' >= '${end}'::pg_lsn`)).toBe('t');
    expect(hasReplayed('gamma', end)).toBe('f');
    expect(hosts.sql('alpha', 'SELECT application_name FROM pg_stat_replication')).toBe('beta');
  });

  it('stop-following waits until it knows where the WAL ends of one that was started anew', async () => {
    const end = await commitAhead('beta', '8s');
    hosts.stop('beta', 'immediate');
    hosts.stop('alpha', 'immediate');
    hosts.start('beta');
    expect(hasReplayed('beta', end)).toBe('f');
    const { receivedLsn } = await hosts.succeed('beta', 'stop-following', rule('alpha', 'gamma'));
    expect(hosts.sql('beta', `SELECT '${receivedLsn}' >= '${end}'::pg_lsn`)).toBe('t');
  });

  it('before version 13, where detaching needs a restart, it never says less than was confirmed', async () => {
    await hosts.succeed('gamma', 'resume-following', { Primary: 'alpha' });
    hosts.cluster.postgres.majorVersion = 12;
    expect(await hosts.refuse('gamma', 'stop-following', rule('alpha', 'beta'))).toMatchObject({
      error: 'WalEndUnknown',
    });
  });
});

/** Has a standby replay each commit only that long after it was made. */
function delay(hosts: Hosts, node: string, time: string): void {
  hosts.sql(node, `ALTER SYSTEM SET recovery_min_apply_delay = '${time}'`);
  hosts.sql(node, 'SELECT pg_reload_conf()');
}
