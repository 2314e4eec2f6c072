/** A host that has the programs of docs/host-programs.md and no others. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hosts } from './hosts.ts';

/** Every program that the table names, but for those of systemd, SELinux and AWS, which a host may lack. */
function promised(): string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/host-programs.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| (?:coreutils|util-linux|glibc) \|/.test(line));
  expect(rows).toHaveLength(3);
  const named = rows.flatMap((row) => [...row.matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name));
  return [...new Set(['bash', 'grep', 'sed', 'awk', 'openssl', ...named])];
}

describe('a host that has only what the documentation asks for', () => {
  const programPath = mkdtempSync(join(tmpdir(), 'programs-'));
  let hosts: Hosts;

  beforeAll(() => {
    chmodSync(programPath, 0o755);
    for (const name of promised()) {
      const path = execFileSync('sh', ['-c', `command -v -- "$0"`, name], { encoding: 'utf8' }).trim();
      // Some are also built into the shell, which says the name alone.
      symlinkSync(path.startsWith('/') ? path : join('/usr/bin', path), join(programPath, name));
    }
    hosts = new Hosts({ programPath });
  });
  afterAll(async () => {
    await hosts?.remove();
    rmSync(programPath, { recursive: true, force: true });
  });

  it('lacks nothing for setup, by what preflight finds and by what works', async () => {
    const facts = await hosts.succeed('alpha', 'preflight');
    expect(facts).toMatchObject({ missingPrograms: [], dataDirectory: { parentWritable: true }, busyWith: null });
    await hosts.setUp();
    expect(await hosts.succeed('alpha', 'prove-durable-write')).toMatchObject({
      confirmedBy: [{ name: 'beta', syncState: 'sync' }],
    });
  });

  it('nor for a failover and the way back', async () => {
    const rule = { StandbyNames: 'FIRST 1 ("alpha","gamma")' };
    await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' });
    await hosts.succeed('beta', 'stop-following', rule);
    await hosts.succeed('beta', 'promote', { ...rule, MinimumLsn: '0/1' });
    await hosts.succeed('gamma', 'start-standby', { Primary: 'beta' });
    hosts.sql('beta', 'SET synchronous_commit = local; CREATE TABLE later ()');
    await hosts.succeed('beta', 'checkpoint-primary');
    expect(await hosts.succeed('alpha', 'inspect-node', { Primary: 'beta' })).toMatchObject({ busyWith: null });
    await hosts.succeed('alpha', 'keep-diverged-wal', { Primary: 'beta' });
    await hosts.succeed('alpha', 'rewind-node', { Primary: 'beta' });
    await hosts.succeed('alpha', 'follow-primary', { Primary: 'beta' });
    await hosts.succeed('alpha', 'start-standby', { Primary: 'beta' });
    await hosts.succeed('gamma', 'rebuild-node', { Primary: 'beta' });
    await hosts.succeed('gamma', 'start-standby', { Primary: 'beta' });
    await hosts.succeed('gamma', 'discard-former-data', { Primary: 'beta' });
    expect(hosts.sql('beta', 'SELECT count(*) FROM pg_stat_replication')).toBe('2');
  });
});
