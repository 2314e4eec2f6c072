/** Shared memory outlives the processes that are killed; a machine without power keeps none. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';

/** What processes share: files of POSIX shared memory and ids of System V segments. */
export interface SharedMemory {
  readonly files: ReadonlySet<string>;
  readonly segments: ReadonlySet<string>;
}

/**
 * The shared memory that the processes have mapped.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html (of a System V segment the inode is its id)
 */
export function sharedMemoryOf(pids: readonly number[]): SharedMemory {
  const files = new Set<string>();
  const segments = new Set<string>();
  for (const pid of pids) {
    let maps = '';
    try {
      maps = readFileSync(`/proc/${pid}/maps`, 'utf8');
    } catch {
      // It ended meanwhile.
    }
    for (const [, inode = '', path = ''] of maps.matchAll(
      /^\S+ \S+ \S+ \S+ (\d+) +(\/(?:dev\/shm\/PostgreSQL\.\d+|SYSV\w+))/gm,
    )) {
      if (path.startsWith('/SYSV')) segments.add(inode);
      else files.add(path);
    }
  }
  return { files, segments };
}

/** Frees shared memory whose processes are gone. */
export function free({ files, segments }: SharedMemory): void {
  for (const file of files) rmSync(file, { force: true });
  for (const segment of segments) {
    try {
      execFileSync('ipcrm', ['-m', segment], { stdio: 'ignore' });
    } catch {
      // PostgreSQL has freed it itself, as it does when it can.
    }
  }
}
