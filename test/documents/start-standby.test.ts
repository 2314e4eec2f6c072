/** A standby that has WAL of its own to replay before it streams: it is waited for, and never taken for a broken one. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts } from './hosts.ts';

describe.sequential('start-standby', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };
  const onBeta = (line: string) => appendFileSync(join(hosts.dataOf('beta'), 'postgresql.auto.conf'), `${line}\n`);
  const streams = () => hosts.sql('alpha', 'SELECT count(*) FROM pg_stat_replication') === '1';

  /** Has the primary write some segments, of which the standby gets each. */
  async function writeSegments(count: number): Promise<void> {
    for (let segment = 0; segment < count; segment += 1)
      hosts.sql('alpha', 'SET synchronous_commit = local; INSERT INTO written VALUES (1); SELECT pg_switch_wal()');
    const flushed = 'SELECT flush_lsn = pg_current_wal_lsn() FROM pg_stat_replication';
    await waitFor('the standby to have all WAL', 20, () => hosts.sql('alpha', flushed) === 't');
  }

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.setUp();
    hosts.sql('alpha', 'CREATE TABLE written (id int)');
    // Whatever segment it reads next, PostgreSQL asks the archive first: a second each.
    hosts.stop('beta');
    onBeta("restore_command = 'sleep 1; false'");
    onBeta('recovery_prefetch = off');
    await hosts.succeed('beta', 'start-standby', primary);
  });
  afterAll(() => hosts.remove());

  it('waits while it replays', async () => {
    hosts.sql('beta', 'SELECT pg_wal_replay_pause()');
    await writeSegments(10);
    hosts.stop('beta', 'immediate');
    const run = await hosts.run('beta', 'start-standby', primary, {
      instead: { 'streaming_limit=60': 'streaming_limit=4' },
    });
    expect(run.answer).toMatchObject({ ok: true, result: { started: true } });
    expect(run.milliseconds).toBeGreaterThan(8000);
    expect(streams()).toBe(true);
  });

  it('waits before it is consistent, and says in time that it is', async () => {
    hosts.sql('alpha', 'CHECKPOINT');
    await writeSegments(16);
    const replayed = 'SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()';
    await waitFor('all to be replayed', 60, () => hosts.sql('beta', replayed) === 't');
    // Everything is on its disk now, and recovery begins before all of it.
    hosts.sql('beta', 'CHECKPOINT');
    hosts.stop('beta', 'immediate');
    const limits = { 'start_limit=300': 'start_limit=3' };
    const late = await hosts.refuse('beta', 'start-standby', primary, {
      instead: { ...limits, 'start_patience=540': 'start_patience=8' },
    });
    expect(late).toMatchObject({
      error: 'StandbyCatchingUp',
      message: expect.stringMatching(/not consistent yet, and replays segment [0-9A-F]{16}/),
    });
    await hosts.succeed('beta', 'start-standby', primary, { instead: limits });
    expect(streams()).toBe(true);
  });

  it('says that replay is held up, and does not call it a failed start', async () => {
    hosts.sql('beta', "ALTER SYSTEM SET recovery_min_apply_delay = '1h'");
    hosts.sql('beta', 'SELECT pg_reload_conf()');
    await writeSegments(2);
    hosts.stop('beta');
    const instead = { 'streaming_limit=60': 'streaming_limit=4', 'start_patience=540': 'start_patience=15' };
    expect(await hosts.refuse('beta', 'start-standby', primary, { instead })).toMatchObject({
      error: 'StandbyCatchingUp',
      message: expect.stringMatching(/it is at [0-9A-F]+\/[0-9A-F]+, in RecoveryApplyDelay/),
      remedy: expect.stringContaining('recovery_min_apply_delay'),
    });
    hosts.sql('beta', 'ALTER SYSTEM RESET recovery_min_apply_delay');
    hosts.sql('beta', 'SELECT pg_reload_conf()');
    expect(await hosts.succeed('beta', 'start-standby', primary)).toMatchObject({ started: false });
  });

  it('calls it one when nothing happens', async () => {
    hosts.sql('beta', 'ALTER SYSTEM RESET restore_command');
    hosts.stop('beta');
    hosts.sql('alpha', "SELECT pg_drop_replication_slot('beta')");
    const instead = { 'streaming_limit=60': 'streaming_limit=4' };
    expect(await hosts.refuse('beta', 'start-standby', primary, { instead })).toMatchObject({
      error: 'StartFailed',
      message: expect.stringContaining('did not stream from alpha within 4 s'),
    });
  });
});
