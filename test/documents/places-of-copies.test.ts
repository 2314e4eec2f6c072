/** Where a copy goes: refused before anything is stopped where it cannot, and measured where it does. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preflightFactsSchema } from '../../lambdas/contract/node-commands.ts';
import { nodeInspectionSchema } from '../../lambdas/contract/node-inspection.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { allProcesses } from '../../local/hosts/all-processes.ts';
import { Hosts } from './hosts.ts';

/** A process's command line; empty for one that has ended. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Bytes that a killed copy left. */
const left = 3 * 1024 ** 3;

describe.sequential('the place of a copy', () => {
  let hosts: Hosts;
  const primary = { Primary: 'alpha' };
  const inspect = async (node: string) =>
    nodeInspectionSchema.parse(await hosts.succeed(node, 'inspect-node', primary));
  const preflight = async (node: string) => preflightFactsSchema.parse(await hosts.succeed(node, 'preflight'));

  /** A directory of the PostgreSQL user. */
  function makeDirectory(path: string): void {
    mkdirSync(path);
    const { uid, gid } = statSync(hosts.homeOf('alpha'));
    chownSync(path, uid, gid);
  }

  /** Moves a node's data to another place, with a link to it in the old one; PostgreSQL must not run. */
  function putBehindLink(node: string): string {
    const target = join(hosts.homeOf(node), 'elsewhere');
    renameSync(hosts.dataOf(node), target);
    symlinkSync(target, hosts.dataOf(node));
    return target;
  }

  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('is no link: a standby behind one goes on as it is', async () => {
    hosts.stop('beta');
    const target = putBehindLink('beta');
    await hosts.succeed('beta', 'start-standby', primary);
    expect(await hosts.refuse('beta', 'rebuild-node', primary)).toMatchObject({
      error: 'DataDirectoryIsLink',
      message: expect.stringContaining(target),
    });
    expect(hosts.sql('alpha', 'SELECT state FROM pg_stat_replication')).toBe('streaming');
    expect((await inspect('beta')).dataDirectory.linkTo).toBe(target);
    hosts.stop('beta');
    // One to an empty directory is refused before the whole copy is made.
    renameSync(target, `${target}.former`);
    makeDirectory(target);
    expect(await hosts.refuse('beta', 'take-base-backup', primary)).toMatchObject({ error: 'DataDirectoryIsLink' });
    expect(existsSync(`${hosts.dataOf('beta')}.runbook/incoming`)).toBe(false);
    expect((await preflight('beta')).dataDirectory).toMatchObject({ state: 'empty', linkTo: target });
    rmSync(target, { recursive: true });
    rmSync(hosts.dataOf('beta'));
    renameSync(`${target}.former`, hosts.dataOf('beta'));
  });

  it('does not matter to a primary that was there before', async () => {
    hosts.stop('alpha');
    putBehindLink('alpha');
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: true, initialized: false });
    await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
    await hosts.succeed('beta', 'start-standby', primary);
  });

  it('is no directory of a tablespace that is not empty: the standby goes on as it is', async () => {
    const directory = join(hosts.directory, 'fast');
    makeDirectory(directory);
    hosts.sql('alpha', `CREATE TABLESPACE fast LOCATION '${directory}'`);
    expect((await inspect('beta')).occupiedTablespaces).toEqual([directory]);
    const refusal = await hosts.refuse('beta', 'rebuild-node', primary);
    expect(refusal).toMatchObject({ error: 'TablespaceNotEmpty', message: expect.stringContaining(directory) });
    expect(refusal.remedy).toContain(`move ${directory} and ${hosts.dataOf('beta')} away`);
    expect(hosts.sql('alpha', 'SELECT state FROM pg_stat_replication')).toBe('streaming');
    expect(existsSync(`${hosts.dataOf('beta')}.runbook/fenced`)).toBe(false);

    hosts.stop('beta');
    renameSync(hosts.dataOf('beta'), `${hosts.dataOf('beta')}.former`);
    expect(await hosts.refuse('beta', 'take-base-backup', primary)).toMatchObject({ error: 'TablespaceNotEmpty' });
    renameSync(`${hosts.dataOf('beta')}.former`, hosts.dataOf('beta'));
    await hosts.succeed('beta', 'start-standby', primary);
    hosts.sql('alpha', 'DROP TABLESPACE fast');
    expect((await inspect('beta')).occupiedTablespaces).toEqual([]);
  });

  it('is left clean by a copy that is cancelled, and what a killed one leaves counts as free', async () => {
    const state = `${hosts.dataOf('beta')}.runbook`;
    hosts.sql('alpha', 'CREATE TABLE filler AS SELECT i, repeat(md5(i::text), 6) FROM generate_series(1, 400000) i');
    // It is told twice, and its end takes longer than the second for which it reads at most.
    const quick = hosts.replaceProgram('tail', ['sleep 1.5', 'PATH=${PATH#*:} exec tail "$@"']);
    const cancelled = await hosts.run('beta', 'rebuild-node', primary, {
      onStart: (child) => {
        const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
        void waitFor('files to arrive', 20, () => existsSync(join(state, 'incoming/data/base')))
          .then(() => child.kill('SIGTERM'))
          .then(() => waitFor('the copy to go', 20, () => !existsSync(join(state, 'incoming')) || hasEnded()))
          .then(() => child.kill('SIGTERM'));
      },
    });
    quick();
    expect(cancelled.answer).toMatchObject({ ok: false, error: 'CommandFailed' });
    expect(readdirSync(state).filter((name) => name.startsWith('incoming'))).toEqual([]);

    mkdirSync(join(state, 'incoming'));
    writeFileSync(join(state, 'incoming/made-by-a-runbook'), '');
    execFileSync('fallocate', ['-l', `${left}`, join(state, 'incoming/data')]);
    // Whatever else works on this disk meanwhile writes less than half of that.
    const { bavail, bsize } = statfsSync(state);
    for (const { freeBytes } of [await inspect('beta'), await preflight('beta')]) {
      expect(freeBytes).toBeGreaterThan(bavail * bsize + left / 2);
      expect(freeBytes).toBeLessThan(bavail * bsize + 1.5 * left);
    }
  });

  it('is left to nobody by a copy that is cancelled before it has begun', async () => {
    const incoming = `${hosts.dataOf('beta')}.runbook/incoming`;
    // Root made the one of the test before.
    rmSync(incoming, { recursive: true, force: true });
    const begins = join(hosts.directory, 'bin/begins');
    // Longer than the command takes to hear of it.
    const env = hosts.replaceProgram('env', [
      `if [[ $* == *"pg_basebackup -D "* ]]; then : >${begins}; sleep 5; fi`,
      'PATH=${PATH#*:} exec env "$@"',
    ]);
    chmodSync(join(hosts.directory, 'bin'), 0o777);
    const cancelled = await hosts.run('beta', 'rebuild-node', primary, {
      onStart: (child) =>
        void waitFor('the beginning of the copy', 20, () => existsSync(begins)).then(() => child.kill('SIGTERM')),
    });
    env();
    expect(existsSync(begins)).toBe(true);
    expect(cancelled.answer).toMatchObject({ ok: false, error: 'CommandFailed' });
    const working = allProcesses().filter(({ pid }) => commandLine(pid).includes(`${incoming}/data`));
    expect(working).toEqual([]);
    expect(existsSync(incoming)).toBe(false);
  });
});
