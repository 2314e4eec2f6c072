/** Rewinding and rebuilding a node: what is kept, what is refused, and what a failure leaves. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedPostgres } from '../support/installed-postgres.ts';
import { execAsPostgres, Hosts } from './hosts.ts';

describe.sequential('rejoining commands', () => {
  let hosts: Hosts;
  const { binDirectory } = installedPostgres();
  const bin = mkdtempSync(join(tmpdir(), 'bin-'));
  chmodSync(bin, 0o755);
  const beta = { Primary: 'beta' };
  const streaming = (node: string) =>
    hosts.sql('beta', `SELECT state FROM pg_stat_replication WHERE application_name = '${node}'`);

  beforeAll(async () => {
    for (const program of readdirSync(binDirectory)) symlinkSync(join(binDirectory, program), join(bin, program));
    hosts = new Hosts({ binDirectory: bin });
    await hosts.setUp();
    hosts.sql('alpha', 'CREATE TABLE kept AS SELECT 1 AS id');
    // The primary goes on after its successor was promoted, and crashes.
    hosts.stop('gamma');
    hosts.sql('beta', 'SELECT pg_promote()');
    hosts.sql('alpha', 'SET synchronous_commit = local; INSERT INTO kept VALUES (666); INSERT INTO kept VALUES (667)');
    await hosts.succeed('beta', 'ensure-roles-and-slots', beta);
    hosts.sql('beta', 'SET synchronous_commit = local; INSERT INTO kept VALUES (2)');
  });
  afterAll(async () => {
    await hosts.remove();
    rmSync(bin, { recursive: true });
  });

  it('touch nothing while PostgreSQL accepts writes there', async () => {
    for (const command of ['keep-diverged-wal', 'rewind-node', 'rebuild-node'] as const) {
      expect(await hosts.refuse('alpha', command, beta)).toMatchObject({ error: 'NodeRunsAsPrimary' });
    }
    expect(hosts.sql('alpha', 'SELECT count(*) FROM kept')).toBe('3');
    hosts.stop('alpha', 'immediate');
  });

  it('do not take WAL that cannot be read for WAL that is not there', async () => {
    const restore = hosts.replaceProgram('od', [
      '[[ "$*" != *"-tu8 -N40"* ]] || { echo "od: ${@: -1}: read error: Input/output error" >&2; exit 1; }',
      'exec /usr/bin/od "$@"',
    ]);
    expect(await hosts.refuse('alpha', 'keep-diverged-wal', beta)).toMatchObject({
      error: 'WalNotKept',
      message: expect.stringContaining('Input/output error'),
    });
    restore();
  });

  it('take a crash recovery that was stopped for what it is, although PostgreSQL calls it that of a standby', async () => {
    await hosts.stopWhileRecovering('alpha');
    expect(await hosts.succeed('alpha', 'inspect-node', beta)).toMatchObject({
      control: { state: 'in crash recovery' },
      diverged: expect.stringContaining('not shut down cleanly'),
    });
    expect(await hosts.refuse('alpha', 'follow-primary', beta)).toMatchObject({ error: 'NodeDiverged' });
  });

  it('keep what only the former primary has, and say what it is', async () => {
    const kept = await hosts.succeed('alpha', 'keep-diverged-wal', beta);
    const directory = String(kept.directory);
    expect(directory).toMatch(/data\.runbook\/kept\/\d{8}T\d{6}Z-operation-1$/);
    const summary = (kept.summary as string[]).join('\n');
    expect(summary).toMatch(/alpha went its own way from \S+ on timeline 1, where beta goes on/);
    expect(summary).toMatch(/of 1 committed transaction, from .* to /);
    expect(summary).toMatch(/records? change relation file 1663\/5\/\d+/);
    expect(kept.bytes).toBe(16 * 1024 * 1024);
    expect(readFileSync(join(directory, 'summary.txt'), 'utf8').trim()).toBe(summary);
  });

  it('rewind it, after a checkpoint on the new primary', async () => {
    await hosts.succeed('beta', 'checkpoint-primary');
    const rewound = await hosts.succeed('alpha', 'rewind-node', beta);
    expect(rewound.bytes).toBeGreaterThan(100_000);
    expect(existsSync(join(hosts.dataOf('alpha'), 'standby.signal'))).toBe(true);
    expect(readdirSync(join(hosts.dataOf('alpha'), 'pg_replslot'))).toEqual([]);
    expect(existsSync(`${hosts.dataOf('alpha')}.runbook/damaged`)).toBe(false);
    expect(await hosts.succeed('alpha', 'rewind-node', beta)).toMatchObject({ bytes: 0 });
    await hosts.succeed('alpha', 'start-standby', beta);
    expect(streaming('alpha')).toBe('streaming');
    expect(hosts.sql('alpha', 'SELECT array_agg(id ORDER BY id) FROM kept')).toBe('{1,2}');
    expect(existsSync(`${hosts.dataOf('alpha')}.runbook/fenced`)).toBe(false);
  });

  it('leave data that a rewind has not touched startable, and data that it has broken not', async () => {
    hosts.stop('alpha');
    hosts.sql('beta', 'SELECT pg_switch_wal()');
    // Promoted by hand, and back: a fork that pg_rewind is not let near.
    hosts.start('alpha');
    hosts.sql('alpha', 'SELECT pg_promote()');
    hosts.stop('alpha');
    const restore = fakeRewind(['echo "pg_rewind: error: could not find previous WAL record at 0/1" >&2', 'exit 1']);
    expect(await hosts.refuse('alpha', 'rewind-node', beta)).toMatchObject({
      error: 'RewindFailed',
      message: expect.stringContaining('could not find previous WAL record'),
      remedy: expect.stringContaining('as it was'),
    });
    expect(existsSync(`${hosts.dataOf('alpha')}.runbook/damaged`)).toBe(false);
    restore();
    const restoreAgain = fakeRewind(['echo "pg_rewind: need to copy 5 MB" >&2', 'exit 1']);
    expect(await hosts.refuse('alpha', 'rewind-node', beta)).toMatchObject({ error: 'RewindFailed' });
    restoreAgain();
    for (const command of ['rewind-node', 'start-standby', 'follow-primary'] as const) {
      expect(await hosts.refuse('alpha', command, beta)).toMatchObject({
        error: 'DataDamaged',
        message: expect.stringContaining('pg_rewind was started on alpha at'),
      });
    }
  });

  it('rebuild it, keep the old data until it streams, and then discard it', async () => {
    const rebuilt = await hosts.succeed('alpha', 'rebuild-node', beta);
    const former = String(rebuilt.formerData);
    expect(former).toMatch(/data\.runbook\/former\/.*\/data$/);
    expect(existsSync(join(former, 'PG_VERSION'))).toBe(true);
    expect(await hosts.refuse('alpha', 'discard-former-data', beta)).toMatchObject({ error: 'PostgresNotAnswering' });
    expect(await hosts.succeed('alpha', 'rebuild-node', beta)).toMatchObject({ changed: false, formerData: former });
    await hosts.succeed('alpha', 'start-standby', beta);
    expect(streaming('alpha')).toBe('streaming');
    expect(await hosts.succeed('alpha', 'discard-former-data', beta)).toMatchObject({ directories: [former] });
    expect(existsSync(former)).toBe(false);
  });

  it('rebuild a node whose control file is damaged, and never one that holds something else', async () => {
    hosts.stop('alpha');
    writeFileSync(join(hosts.dataOf('alpha'), 'global/pg_control'), Buffer.alloc(8192, 7));
    await hosts.succeed('alpha', 'rebuild-node', beta);
    await hosts.succeed('alpha', 'start-standby', beta);
    const foreign = new Hosts({ names: ['delta', 'epsilon'] });
    try {
      await foreign.succeed('delta', 'configure-primary');
      foreign.stop('delta');
      rmSync(hosts.dataOf('gamma'), { recursive: true });
      execAsPostgres(['cp', '-a', foreign.dataOf('delta'), hosts.dataOf('gamma')]);
    } finally {
      await foreign.remove();
    }
    const before = hosts.snapshot('gamma', /\.runbook/);
    for (const command of ['keep-diverged-wal', 'rewind-node', 'rebuild-node', 'follow-primary'] as const) {
      expect(await hosts.refuse('gamma', command, beta)).toMatchObject({ error: 'ForeignData' });
    }
    expect(hosts.snapshot('gamma', /\.runbook/)).toEqual(before);
  });

  /** Puts another pg_rewind into the cluster's bin directory; returns how to put the real one back. */
  function fakeRewind(lines: readonly string[]): () => void {
    const link = join(bin, 'pg_rewind');
    rmSync(link);
    writeFileSync(link, `${['#!/bin/bash', ...lines].join('\n')}\n`, { mode: 0o755 });
    return () => {
      rmSync(link);
      symlinkSync(join(binDirectory, 'pg_rewind'), link);
    };
  }
});
