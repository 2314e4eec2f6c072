/**
 * Where the local runtimes of one run of the tests live. A runtime takes the assembly that an earlier one of the same
 * clusters has left at its place, with the same directory and port: to synthesize takes longer than all else of a start.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, join } from 'node:path';
import { inject } from 'vitest';

/** What stays at a place when its runtime is gone. */
const assembly = ['cdk.out', 'cdk.out.clusters.json'];

const claimOf = (directory: string) => `${directory}.claimed`;
const portFile = (directory: string) => `${directory}.port`;

/** A directory for a runtime that nobody else has, until it is vacated; for the same `kind` one with an assembly. */
export function claimPlace(kind: string): string {
  const name = createHash('sha256').update(kind).digest('hex').slice(0, 8);
  for (let number = 1; ; number++) {
    const directory = join(inject('runtimePlaces'), `${name}-${number}`);
    try {
      // Other files of tests run in processes of their own.
      mkdirSync(claimOf(directory));
    } catch {
      continue;
    }
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    return directory;
  }
}

/** Removes everything of a runtime that is gone, and leaves its place to the next. */
export function vacatePlace(directory: string): void {
  for (const entry of readdirSync(directory)) {
    if (!assembly.includes(basename(entry))) rmSync(join(directory, entry), { recursive: true, force: true });
  }
  rmdirSync(claimOf(directory));
}

/** The port that the last runtime of a place had; another one when something listens there, or there was none. */
export async function portOf(directory: string): Promise<number> {
  const file = portFile(directory);
  const former = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  const port = await listenOnce(former).catch(() => listenOnce(0));
  writeFileSync(file, `${port}`);
  return port;
}

/** Listens on a TCP port of 127.0.0.1 for a moment; 0 takes any free one. */
async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
