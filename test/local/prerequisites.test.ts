import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { whyInstall } from '../../local/prerequisites/npm-packages.mjs';
import { planInstallation } from '../../local/prerequisites/system-packages.mjs';

const root = new URL('../../', import.meta.url);
const run = fileURLToPath(new URL('local/prerequisites/run.mjs', root));
const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));

describe('npm packages', () => {
  const locked = {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
    'node_modules/mac-only': { version: '1.0.0', optional: true },
  };
  const installed = {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
  };

  it.each([
    ['nothing is missing', installed, undefined],
    ['nothing was installed', undefined, 'npm packages are not installed'],
    ['one is missing', { 'node_modules/a': locked['node_modules/a'] }, 'npm package b is not installed'],
    [
      'one is of another version',
      { ...installed, 'node_modules/a': { version: '1.0.1' } },
      'npm package a is 1.0.1, not 1.0.0',
    ],
    [
      'one is another of the same version',
      { ...installed, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' } },
      'npm package a is not the one of the lockfile',
    ],
  ])('%s', (_, found, reason) => {
    expect(whyInstall(locked, found)).toBe(reason);
  });

  it('may run install scripts if they have one, and no others', () => {
    const packages: [string, { hasInstallScript?: boolean; name?: string }][] = Object.entries(
      readJson('package-lock.json').packages,
    );
    const withScripts = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path, { name }]) => name ?? path.replace(/^.*node_modules\//, ''));
    expect(Object.keys(readJson('package.json').allowScripts).sort()).toEqual([...new Set(withScripts)].sort());
  });
});

describe('system packages', () => {
  const machine = (programs: string[], hasPostgres: boolean, isRoot: boolean) =>
    planInstallation({ hasPostgres, hasProgram: (program) => programs.includes(program), isRoot });

  it('are left alone when nothing is missing', () => {
    expect(machine(['openssl', 'perl'], true, false)).toEqual({ kind: 'nothing' });
  });

  it('are installed by root', () => {
    expect(machine(['apt-get', 'perl'], false, true)).toEqual({ kind: 'install', packages: ['postgresql', 'openssl'] });
  });

  it('are left to root by others', () => {
    expect(machine(['apt-get', 'perl', 'openssl'], false, false)).toEqual({
      kind: 'refuse',
      message: 'this machine lacks a PostgreSQL server (12 or later, with pg_basebackup)',
      remedy: 'Run as root: apt-get install postgresql',
    });
  });

  it('are named where there is no apt-get', () => {
    expect(machine(['perl', 'openssl'], false, true)).toMatchObject({
      kind: 'refuse',
      remedy: expect.stringContaining('dnf install postgresql-server'),
    });
  });
});

describe('run.mjs', () => {
  it('puts the Lambda functions’ Node.js and the project’s programs first', () => {
    const script = 'console.log(process.version, process.env.PATH.split(":")[1])';
    const output = execFileSync(process.execPath, [run, 'node', '-e', script], { encoding: 'utf8' });
    expect(output).toMatch(/^v24\.\d+\.\d+ .*\/node_modules\/\.bin\n$/);
  });

  it('says nothing when nothing is missing, and ends as the command ends', () => {
    const { status, stderr } = spawnSync(process.execPath, [run, 'sh', '-c', 'exit 7'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  });

  it('passes signals on, and ends by the signal that ended the command', async () => {
    const child = spawn(process.execPath, [run, 'sh', '-c', 'echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [code, signal] = await once(child, 'exit');
    expect({ code, signal }).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it.each([
    [['--unknown', 'true'], 'unknown option --unknown'],
    [['--reap'], 'there is no command to run'],
  ])('refuses %j', (args, words) => {
    const { status, stderr } = spawnSync(process.execPath, [run, ...args], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain(words);
    expect(stderr).toContain('usage: node local/prerequisites/run.mjs');
  });

  it('names a command that does not start', () => {
    const { status, stderr } = spawnSync(process.execPath, [run, 'no-such-program'], { encoding: 'utf8' });
    expect(status).toBe(127);
    expect(stderr).toContain('no-such-program does not start');
  });
});
