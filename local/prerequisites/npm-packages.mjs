/** npm packages: those of the lockfile, no others. Plain JavaScript, see run.mjs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, say } from './words.mjs';

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [optional]
 * @property {boolean} [devOptional]
 */

/**
 * Why the installed packages are not those of the lockfile; undefined if they are. npm keeps a lockfile of what it has
 * installed in node_modules, written last, so an installation that was cut short is noticed too.
 * @param {Record<string, LockedPackage>} locked `packages` of package-lock.json
 * @param {Record<string, LockedPackage> | undefined} installed the same of node_modules/.package-lock.json
 * @returns {string | undefined}
 */
export function whyInstall(locked, installed) {
  if (installed === undefined) return 'npm packages are not installed';
  for (const [path, { version, integrity, optional, devOptional }] of Object.entries(locked)) {
    if (path === '') continue; // the project itself
    const found = installed[path];
    const name = path.replace(/^.*node_modules\//, '');
    if (found === undefined) {
      // Programs for other operating systems are optional, and are rightly absent here.
      if (optional === true || devOptional === true) continue;
      return `npm package ${name} is not installed`;
    }
    if (found.version !== version) return `npm package ${name} is ${found.version}, not ${version}`;
    if (integrity !== undefined && found.integrity !== undefined && found.integrity !== integrity) {
      return `npm package ${name} is not the one of the lockfile`;
    }
  }
  return undefined;
}

/**
 * Installs the packages of the lockfile, unless they are there.
 * @param {string} root directory of the project
 */
export function ensureNpmPackages(root) {
  const locked = packagesOf(join(root, 'package-lock.json'));
  if (locked === undefined) throw new Failure('package-lock.json is missing', 'Check the whole repository out.');
  const reason = whyInstall(locked, packagesOf(join(root, 'node_modules', '.package-lock.json')));
  if (reason === undefined) return;
  say(`${reason}: installing what package-lock.json lists, with npm ci (this takes a minute)`);
  // NODE_ENV=production would leave out what tests and rehearsals need.
  // What npm has kept of earlier installations need not be asked about again: the lockfile says what is right.
  const options = ['--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', ['ci', ...options], { cwd: root, stdio: ['ignore', 2, 2] });
  if (error !== undefined || status !== 0) {
    throw new Failure(
      `npm ci failed${error === undefined ? '' : `: ${error.message}`}`,
      'Its words are above; often the network or the registry cannot be reached, or the directory is not yours.',
    );
  }
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
