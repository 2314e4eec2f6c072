/** Where a host remembers its newest operation, and what becomes of what earlier versions remembered beside the data. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { execAsPostgres, Hosts, osUser } from './hosts.ts';

const runsAsRoot = process.getuid?.() === 0;
const now = () => Math.floor(Date.now() / 1000);

describe.sequential('what a host remembers', () => {
  let hosts: Hosts;
  const state = () => `${hosts.dataOf('alpha')}.runbook`;
  const own = (name: string) => join(hosts.memoryOf('alpha'), name);
  const former = (name: string) => join(state(), name);
  beforeAll(() => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
  });
  afterAll(() => hosts.remove());
  afterEach(() => {
    rmSync(state(), { recursive: true, force: true });
    rmSync(hosts.memoryOf('alpha'), { recursive: true, force: true });
  });

  /** A command that changes next to nothing on a host without data. */
  const run = (epoch: number, instead = {}) => hosts.run('alpha', 'fence-primary', { Mode: 'any' }, { epoch, instead });

  /** What an earlier version left, as the PostgreSQL user. */
  function leave(epoch: string): void {
    mkdirSync(state(), { recursive: true });
    for (const [name, text] of [
      ['epoch', epoch],
      ['lock', ''],
    ] as const)
      writeFileSync(former(name), text);
    if (runsAsRoot) execFileSync('chown', ['-R', osUser, state()]);
  }

  it('is in a directory of its own, which nobody else can enter', async () => {
    expect((await run(7)).answer).toMatchObject({ ok: true });
    expect(readFileSync(own('epoch'), 'utf8')).toBe('7\n');
    expect(statSync(hosts.memoryOf('alpha')).mode & 0o7777).toBe(0o700);
    expect(statSync(hosts.memoryOf('alpha')).uid).toBe(process.getuid?.());
    expect(existsSync(former('epoch'))).toBe(false);
    if (runsAsRoot) expect(() => execAsPostgres(['cat', own('epoch')])).toThrow(/Permission denied/);
  });

  it('is what it was when the PostgreSQL user writes where it used to be', async () => {
    await run(7);
    leave('999999999999\n');
    expect((await run(8)).answer).toMatchObject({ ok: true });
    leave('a[$(id)]\n');
    expect((await run(7)).answer).toMatchObject({ ok: false, error: 'CommandSuperseded' });
  });

  it('is at first what an earlier version remembered, and that version learns of the new operation', async () => {
    leave(`${now()}\n`);
    expect((await run(now() - 60)).answer).toMatchObject({ ok: false, error: 'CommandSuperseded' });
    const epoch = now() + 1;
    expect((await run(epoch)).answer).toMatchObject({ ok: true });
    expect(readFileSync(former('epoch'), 'utf8')).toBe(`${epoch}\n`);
    expect(readFileSync(own('epoch'), 'utf8')).toBe(`${epoch}\n`);
  });

  it.each(['999999999999\n', '9'.repeat(30), 'a[$(touch /tmp/epoch-was-run)]', '-1', '0x10', '\n', '\0\0'])(
    'is not what cannot be the time of an operation: %j',
    async (text) => {
      leave(text);
      expect((await run(7)).answer).toMatchObject({ ok: true });
      expect(readFileSync(own('epoch'), 'utf8')).toBe('7\n');
      expect(existsSync('/tmp/epoch-was-run')).toBe(false);
    },
  );

  it.each<[string, () => void]>([
    ['a link to a file of root', () => symlinkSync('/etc/shadow', former('epoch'))],
    ['a pipe', () => execFileSync('mkfifo', [former('epoch')])],
    ['a directory', () => mkdirSync(former('epoch'))],
  ])('is not %s', async (_, make) => {
    mkdirSync(state());
    make();
    if (runsAsRoot) execFileSync('chown', ['-Rh', osUser, state()]);
    expect((await run(7)).answer).toMatchObject({ ok: true });
  });

  it('waits for a command of an earlier version that still runs', async () => {
    leave('5\n');
    const holder = spawn('flock', ['--no-fork', former('lock'), 'sh', '-c', 'echo held; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    try {
      expect((await run(7, { '35 flock -w 30': '35 flock -w 1' })).answer).toMatchObject({
        ok: false,
        error: 'HostBusy',
        message: expect.stringContaining('an earlier version'),
      });
    } finally {
      holder.kill('SIGKILL');
    }
    expect((await run(7)).answer).toMatchObject({ ok: true });
  });
});
