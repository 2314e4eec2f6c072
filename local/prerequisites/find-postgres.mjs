/**
 * Finds the PostgreSQL servers installed on this machine.
 *
 * Plain JavaScript without dependencies: it also runs before anything is installed, on any Node.js from 16 on.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} PostgresInstallation
 * @property {number} majorVersion
 * @property {string} binDirectory
 */

/** Programs that make an installation usable: a server package has them all, a client package has not. */
const serverPrograms = ['postgres', 'initdb', 'pg_ctl', 'pg_basebackup', 'psql'];

/** Oldest major version that knows standby.signal. */
export const oldestMajorVersion = 12;

/** Where packages put each major version: Debian and Ubuntu, then PGDG on Red Hat and its relatives. */
const packagedIn = [
  { parent: '/usr/lib/postgresql', directory: /^(\d+)$/ },
  { parent: '/usr', directory: /^pgsql-(\d+)$/ },
];

/**
 * What `postgres --version` says, as a major version: `postgres (PostgreSQL) 15.18 (Debian …)`, `… 18beta1`.
 * @param {string} output
 * @returns {number | undefined}
 */
export function majorVersionIn(output) {
  const found = /\(PostgreSQL\) (\d+)/.exec(output);
  return found === null ? undefined : Number(found[1]);
}

/**
 * Directories in which a server may be, best first; the version is known where a package's path tells it.
 * @param {(directory: string) => string[]} list names in a directory, none if it is not there
 * @param {string} searchPath the PATH variable
 * @returns {{ binDirectory: string, majorVersion?: number }[]}
 */
export function candidates(list, searchPath) {
  const packaged = packagedIn.flatMap(({ parent, directory }) =>
    list(parent).flatMap((name) => {
      const version = directory.exec(name)?.[1];
      return version === undefined ? [] : [{ binDirectory: join(parent, name, 'bin'), majorVersion: Number(version) }];
    }),
  );
  const onPath = searchPath.split(':').filter((directory) => directory.startsWith('/'));
  return [...packaged, ...['/usr/local/pgsql/bin', ...onPath].map((binDirectory) => ({ binDirectory }))];
}

/**
 * One installation per major version, newest first; of several the first found stays.
 * @param {readonly PostgresInstallation[]} found
 * @returns {PostgresInstallation[]}
 */
export function onePerVersion(found) {
  return found
    .filter(({ majorVersion }, index) => found.findIndex((other) => other.majorVersion === majorVersion) === index)
    .sort((a, b) => b.majorVersion - a.majorVersion);
}

/**
 * The usable installations of this machine, newest first, one per major version.
 * @param {string} [searchPath]
 * @returns {PostgresInstallation[]}
 */
export function findPostgres(searchPath = process.env.PATH ?? '') {
  const found = candidates(namesIn, searchPath)
    .filter(({ binDirectory }) => serverPrograms.every((program) => isExecutable(join(binDirectory, program))))
    .flatMap(({ binDirectory, majorVersion = askVersion(binDirectory) }) =>
      majorVersion === undefined || majorVersion < oldestMajorVersion
        ? []
        : [{ majorVersion, binDirectory: realpathSync(binDirectory) }],
    );
  return onePerVersion(found);
}

/** @param {string} directory */
function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there: this machine has no packages of that kind
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} binDirectory */
function askVersion(binDirectory) {
  try {
    return majorVersionIn(execFileSync(join(binDirectory, 'postgres'), ['--version'], { encoding: 'utf8' }));
  } catch {
    return undefined; // cannot run here: not usable
  }
}
