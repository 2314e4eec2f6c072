/**
 * A host whose PostgreSQL user has put links to files of root, pipes, directories, huge and binary files in the places that
 * commands look at. No command says what is in a file of root, none waits for ever, and none writes through a link.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeCommandName } from '../../lambdas/contract/node-commands.ts';
import { Hosts, osUser } from './hosts.ts';

/** Only root has something to hide from PostgreSQL's user. */
const runsAsRoot = process.getuid?.() === 0;
const secretText = 'only-root-may-know-this';

/** Below the host's directory. */
const places = [
  ...['PG_VERSION', 'postmaster.pid', 'current_logfiles', 'backup_label', 'standby.signal', 'postgresql.auto.conf'].map(
    (name) => `data/${name}`,
  ),
  ...['global/pg_control', 'pg_hba.conf', 'server.crt', 'pg_wal/00000001.history', 'pg_wal/00000002.history'].map(
    (name) => `data/${name}`,
  ),
  'data/pg_wal/000000010000000000000001',
  ...['fenced', 'damaged', 'holder', 'epoch', 'lock', 'pgpass', 'postgresql.log', 'base-backup.progress'].map(
    (name) => `data.runbook/${name}`,
  ),
];

const commands: [NodeCommandName, Record<string, string>][] = [
  ['preflight', {}],
  ['inspect-node', { Primary: 'alpha' }],
  ['fence-primary', { Mode: 'any' }],
  ['return-primary', { Start: 'yes' }],
  ['configure-primary', {}],
  ['follow-primary', { Primary: 'alpha' }],
  ['start-standby', { Primary: 'alpha' }],
  ['keep-diverged-wal', { Primary: 'alpha' }],
];

describe.skipIf(!runsAsRoot).sequential('a host whose PostgreSQL user leaves', () => {
  let hosts: Hosts;
  let home: string;
  let kept: string;
  let secret: string;
  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'], replication: { tls: false } });
    await hosts.succeed('alpha', 'configure-primary');
    await hosts.succeed('alpha', 'ensure-roles-and-slots', { Primary: 'alpha' });
    await hosts.succeed('beta', 'take-base-backup', { Primary: 'alpha' });
    home = hosts.homeOf('beta');
    kept = join(hosts.directory, 'kept');
    cpSync(home, kept, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    secret = join(hosts.directory, 'secret-of-root');
    writeFileSync(secret, `${secretText}\n`, { mode: 0o600 });
  });
  afterAll(() => hosts.remove());

  /** The host as it was before anything was put there. */
  function restore(): void {
    rmSync(home, { recursive: true, force: true });
    cpSync(kept, home, { recursive: true, verbatimSymlinks: true });
    mkdirSync(join(home, 'data.runbook'), { recursive: true });
  }

  const kinds: Record<string, (path: string) => void> = {
    'links to a file of root': (path) => symlinkSync(secret, path),
    pipes: (path) => execFileSync('mkfifo', [path]),
    directories: (path) => mkdirSync(path),
    'huge files': (path) => {
      writeFileSync(path, 'x');
      truncateSync(path, 2 ** 40);
    },
    'binary files': (path) =>
      writeFileSync(path, Buffer.from(Array.from({ length: 8192 }, (_, index) => (index * 7) % 256))),
  };

  function put(kind: (path: string) => void, place: string): void {
    const path = join(home, place);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true });
    kind(path);
  }

  /** Runs a command on the host, which must end and keep the secret. */
  async function endsAndKeepsTheSecret(command: NodeCommandName, parameters: Record<string, string>): Promise<void> {
    // A pipe would hold it until the end of the test.
    // A pipe that PostgreSQL itself reads holds its start: that has a limit of its own, shorter here.
    const instead = ['configure-primary', 'start-standby', 'return-primary'].includes(command)
      ? { 'start_limit=300': 'start_limit=3' }
      : {};
    const run = await hosts.run('beta', command, parameters, { instead });
    expect(run.answer, command).not.toMatchObject({ error: 'NoResultLine' });
    expect(`${run.stdout}${run.stderr}`, command).not.toContain(secretText);
    expect(readFileSync(secret, 'utf8'), command).toBe(`${secretText}\n`);
    expect(lstatSync(secret).mode & 0o777, command).toBe(0o600);
    expect(lstatSync(secret).uid, command).toBe(0);
    if (
      existsSync(join(hosts.dataOf('beta'), 'postmaster.pid')) &&
      lstatSync(join(hosts.dataOf('beta'), 'postmaster.pid')).size > 1
    )
      stopIfItRuns();
  }

  function stopIfItRuns(): void {
    try {
      hosts.stop('beta', 'immediate');
    } catch {
      // What is there is no pid file.
    }
  }

  it.each(Object.keys(kinds))('%s in every place', async (name) => {
    const kind = kinds[name];
    if (kind === undefined) throw new Error(name);
    for (const [command, parameters] of commands) {
      restore();
      for (const place of places) put(kind, place);
      execFileSync('chown', ['-Rh', osUser, home]);
      await endsAndKeepsTheSecret(command, parameters);
    }
  });

  it.each(places)('a link to a file of root, or a pipe, in the place of %s', async (place) => {
    for (const kind of ['links to a file of root', 'pipes']) {
      restore();
      put(kinds[kind] ?? (() => {}), place);
      execFileSync('chown', ['-Rh', osUser, home]);
      await endsAndKeepsTheSecret('inspect-node', { Primary: 'alpha' });
    }
  });

  it('a log that is a file of root', async () => {
    restore();
    writeFileSync(join(home, 'data/current_logfiles'), `stderr ${secret}\n`);
    writeFileSync(join(home, 'data/postgresql.auto.conf'), 'no_such_setting = 1\n');
    execFileSync('chown', ['-Rh', osUser, home]);
    await endsAndKeepsTheSecret('start-standby', { Primary: 'alpha' });
  });
});
