/**
 * npm packages: those of the lockfile that are for this machine, no others. Plain JavaScript, see run.mjs.
 *
 * npm leaves out an optional package whose `engines` do not fit the Node.js that npm itself runs on, and older versions
 * of npm do not know `libc`. So the user's npm installs the toolchain only, a Node.js and an npm of exact versions, and
 * these install everything else: the same tree of packages, whatever the user has.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagesFor, thisPlatform } from './packages-for-platform.mjs';
import { Failure, say } from './words.mjs';

/** @typedef {import('./packages-for-platform.mjs').LockedPackage} LockedPackage */

/**
 * Options of npm that decide which files an installation leaves: a user's own settings change none of them.
 * NODE_ENV=production would leave out what tests and rehearsals need. What npm has kept of earlier installations need
 * not be asked about again: the lockfile says what is right.
 */
const npmOptions = [
  '--include=dev',
  '--include=optional',
  '--include=peer',
  '--ignore-scripts=false',
  '--bin-links=true',
  '--install-strategy=hoisted',
  '--legacy-peer-deps=false',
  '--engine-strict=false',
  '--global=false',
  '--dry-run=false',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];

/**
 * Why the installed packages are not those of the lockfile; undefined if they are. npm keeps a lockfile of what it has
 * installed in node_modules, written last, so an installation that was cut short is noticed too.
 * @param {Readonly<Record<string, LockedPackage>>} locked `packages` of package-lock.json
 * @param {Readonly<Record<string, LockedPackage>> | undefined} installed the same of node_modules/.package-lock.json
 * @param {import('./packages-for-platform.mjs').Platform} platform
 * @returns {string | undefined}
 */
export function whyInstall(locked, installed, platform) {
  if (installed === undefined) return 'npm packages are not installed';
  const wanted = packagesFor(locked, platform);
  for (const path of wanted) {
    const { version, integrity } = locked[path] ?? {};
    const found = installed[path];
    if (found === undefined) return `npm package ${nameOf(path)} is not installed`;
    if (found.version !== version) return `npm package ${nameOf(path)} is ${found.version}, not ${version}`;
    if (integrity !== undefined && found.integrity !== undefined && found.integrity !== integrity) {
      return `npm package ${nameOf(path)} is not the one of the lockfile`;
    }
  }
  const other = Object.keys(installed).find((path) => !wanted.has(path));
  return other === undefined ? undefined : `npm package ${nameOf(other)} is installed and does not belong here`;
}

/** @param {string} path such as `node_modules/a/node_modules/b` */
function nameOf(path) {
  return path.replace(/^.*node_modules\//, '');
}

/**
 * Installs the packages of the lockfile, unless they are there.
 * @param {string} root directory of the project
 * @returns {string} directory of the project's programs, the Lambda functions' Node.js among them
 */
export function ensureNpmPackages(root) {
  const reason = whyInstallIn(root);
  if (reason !== undefined) {
    say(`${reason}: installing what package-lock.json lists, with npm ci (this takes a minute)`);
    install(root, ensureToolchain(root));
  }
  return join(root, 'node_modules', '.bin');
}

/**
 * How a program is run.
 * @typedef {object} Program
 * @property {string} file
 * @property {readonly string[]} args come first
 * @property {string} path its search path
 */

/**
 * The npm that installs the project's packages, with the Node.js that runs it; installs both with the user's own.
 * @param {string} root
 * @returns {Program}
 */
function ensureToolchain(root) {
  const toolchain = join(root, 'local', 'prerequisites', 'toolchain');
  if (whyInstallIn(toolchain) !== undefined) install(toolchain, usersNpm());
  // Not in .bin: npm 7 does not link the programs of optional packages.
  const programs = join(toolchain, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
  const node = join(programs, 'node');
  const script = join(toolchain, 'node_modules', 'npm', 'bin', 'npm-cli.js');
  if (!existsSync(node)) {
    throw new Failure(
      `there is no Node.js for ${process.platform} on ${process.arch} among the project’s packages`,
      'Use a machine with Linux on x64 or arm64.',
    );
  }
  return {
    file: node,
    // The user's settings for all projects of the machine, such as the registry, lie where only the user's npm knows.
    args: [script, `--globalconfig=${askUsersNpm(['config', 'get', 'globalconfig'])}`],
    path: searchPath(programs),
  };
}

/**
 * The npm of the user: the one that runs this, else the first on the search path. After an installation `node` on the
 * search path of npm's scripts is the project's, for which the user's npm may be too old.
 * @returns {Program}
 */
function usersNpm() {
  const { npm_execpath: script = '', npm_node_execpath: node = '' } = process.env;
  const path = process.env.PATH ?? '';
  if (/npm-cli\.js$/.test(script) && existsSync(script) && existsSync(node)) {
    return { file: node, args: [script], path };
  }
  return { file: 'npm', args: [], path };
}

/** @param {readonly string[]} args */
function askUsersNpm(args) {
  const npm = usersNpm();
  const { stdout } = spawnSync(npm.file, [...npm.args, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  return (stdout ?? '').trim();
}

/**
 * npm ci, and a look at what it has installed: npm leaves out without a word an optional package that it cannot get.
 * @param {string} directory the one with package-lock.json
 * @param {Program} npm
 */
function install(directory, npm) {
  const { status, error } = spawnSync(npm.file, [...npm.args, 'ci', ...npmOptions], {
    cwd: directory,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, PATH: npm.path },
  });
  const failed = error === undefined && status === 0 ? whyInstallIn(directory) : (error?.message ?? 'npm ci failed');
  if (failed !== undefined) {
    throw new Failure(
      `the npm packages of ${directory} are not installed: ${failed}`,
      'If npm said why, its words are above; often the network or the registry cannot be reached, or the directory is not yours.',
    );
  }
}

/**
 * @param {string} directory the one with package-lock.json
 * @returns {string | undefined}
 */
function whyInstallIn(directory) {
  const locked = packagesOf(join(directory, 'package-lock.json'));
  if (locked === undefined) throw new Failure('package-lock.json is missing', 'Check the whole repository out.');
  return whyInstall(locked, packagesOf(join(directory, 'node_modules', '.package-lock.json')), thisPlatform());
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage> | undefined} undefined if there is no such file, or no whole one
 */
function packagesOf(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined; // cut short: install again
  }
}

/**
 * The search path with a directory before all others.
 * @param {string} directory
 */
export function searchPath(directory) {
  return [directory, process.env.PATH].filter(Boolean).join(':');
}
