/**
 * PostgreSQL and the other programs that hosts need, from the system's packages. Plain JavaScript, see run.mjs.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPostgres, oldestMajorVersion } from './find-postgres.mjs';
import { Failure, say } from './words.mjs';

/** Programs that scripts and hosts use and that a small system may lack, with Debian's package of each. */
const programs = [
  { program: 'openssl', debianPackage: 'openssl' },
  { program: 'perl', debianPackage: 'perl' },
];

/** Programs that make machines of hosts. */
export const machinePrograms = [
  { program: 'systemctl', debianPackage: 'systemd' },
  { program: 'systemd-nspawn', debianPackage: 'systemd-container' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'nft', debianPackage: 'nftables' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'unshare', debianPackage: 'util-linux' },
];

/** Names under which a browser for tests may be installed, best first. */
const browsers = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/**
 * What to do about missing packages.
 * @typedef {{ kind: 'nothing' }
 *   | { kind: 'install', packages: string[] }
 *   | { kind: 'refuse', message: string, remedy: string }} Plan
 */

/**
 * @param {object} machine
 * @param {boolean} machine.hasPostgres
 * @param {(program: string) => boolean} machine.hasProgram
 * @param {boolean} machine.isRoot
 * @returns {Plan}
 */
export function planInstallation({ hasPostgres, hasProgram, isRoot }) {
  const missing = [
    ...(hasPostgres
      ? []
      : [
          {
            what: `a PostgreSQL server (${oldestMajorVersion} or later, with pg_basebackup)`,
            debianPackage: 'postgresql',
          },
        ]),
    ...programs
      .filter(({ program }) => !hasProgram(program))
      .map(({ program, debianPackage }) => ({ what: program, debianPackage })),
  ];
  if (missing.length === 0) return { kind: 'nothing' };
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const message = `this machine lacks ${missing.map(({ what }) => what).join(', ')}`;
  const hasApt = hasProgram('apt-get');
  if (isRoot && hasApt) return { kind: 'install', packages };
  const others = packages.map((name) => (name === 'postgresql' ? 'postgresql-server postgresql-contrib' : name));
  return {
    kind: 'refuse',
    message,
    remedy: hasApt
      ? `Run as root: apt-get install ${packages.join(' ')}`
      : `Install ${packages.join(', ')} with the system’s package manager, for example: dnf install ${others.join(' ')}`,
  };
}

/** Installs what is missing, or says what to install. */
export function ensureSystemPackages() {
  const plan = planInstallation({
    hasPostgres: findPostgres().length > 0,
    hasProgram,
    isRoot: process.getuid?.() === 0,
  });
  if (plan.kind === 'refuse') throw new Failure(plan.message, plan.remedy);
  if (plan.kind === 'install') aptInstall(plan.packages);
}

/**
 * Installs what machines need, where root can. Where not, the runtime says itself why hosts cannot be machines, and a
 * test that it skips.
 */
export function ensureMachinePackages() {
  const missing = machinePrograms.filter(({ program }) => !hasProgram(program));
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  installIfPossible(packages, 'Without them hosts cannot be machines.');
}

/** Installs a browser for the tests of the dashboard page, where root can. Where not, those tests are skipped. */
export function ensureBrowser() {
  if (findBrowser() !== undefined) return;
  // A small system has no font, and a page without letters cannot be looked at.
  installIfPossible(['chromium', 'fonts-liberation'], 'Without it the dashboard page is not tested.');
}

/**
 * Debian's AWS CLI: any other `aws` on the search path may be anything. It is the one that the README's commands are
 * pasted into.
 */
export const awsCli = '/usr/bin/aws';

/** Installs the AWS CLI for the tests that call it, where root can. Where not, those tests are skipped. */
export function ensureAwsCli() {
  if (!existsSync(awsCli)) installIfPossible(['awscli'], 'Without it the commands of the AWS CLI are not tested.');
}

/**
 * The program of a browser that tests can drive: that of the variable CHROMIUM, else an installed one.
 * @returns {string | undefined}
 */
export function findBrowser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const browser of browsers) {
    const found = pathOf(browser);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Installs what is good to have, if this machine lets us.
 * @param {readonly string[]} packages
 * @param {string} consequence what is not possible without them
 */
function installIfPossible(packages, consequence) {
  if (packages.length === 0 || process.getuid?.() !== 0 || !hasProgram('apt-get')) return;
  try {
    aptInstall(packages);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(`${error.message}\n${consequence}`);
  }
}

/**
 * Installs Debian packages. None of them may make or start a PostgreSQL of its own: hosts bring theirs.
 * @param {readonly string[]} packages
 */
export function aptInstall(packages) {
  const names = packages.join(' ');
  say(`installing ${names} with apt-get; no PostgreSQL is created or started by it (this takes a minute)`);
  const remove = [
    writeForAWhile(
      '/etc/postgresql-common/createcluster.d/no-main-cluster.conf',
      'create_main_cluster = false\n',
      0o644,
    ),
    // Debian's packages ask this program before they start a service; 101 means no.
    writeForAWhile('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755),
  ];
  try {
    apt(['update', '-qq']);
    apt(['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages]);
  } finally {
    for (const undo of remove) undo();
  }
}

/** @param {readonly string[]} args */
function apt(args) {
  const { status, error, stdout, stderr } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (error !== undefined || status !== 0) {
    process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
    throw new Failure(
      `apt-get ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`,
      'Its words are above; often the network cannot be reached, or another apt-get runs.',
    );
  }
}

/**
 * Writes a file unless there is one; returns what removes it again.
 * @param {string} file
 * @param {string} text
 * @param {number} mode
 * @returns {() => void}
 */
function writeForAWhile(file, text, mode) {
  if (existsSync(file)) return () => {};
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  return () => rmSync(file, { force: true });
}

/** @param {string} program */
export function hasProgram(program) {
  return pathOf(program) !== undefined;
}

/**
 * Where a program is on the search path.
 * @param {string} program
 * @returns {string | undefined}
 */
function pathOf(program) {
  const directory = (process.env.PATH ?? '').split(':').find((each) => {
    try {
      accessSync(join(each, program), constants.X_OK);
      return each !== '';
    } catch {
      return false;
    }
  });
  return directory === undefined ? undefined : join(directory, program);
}
