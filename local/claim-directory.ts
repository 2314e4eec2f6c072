/** One runtime per directory: a file names the process that uses it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProcess } from './hosts/all-processes.ts';

/** Claims the directory, or throws when a living runtime has it; returns the release. */
export function claimDirectory(directory: string): () => void {
  const path = join(directory, 'runtime.pid');
  if (existsSync(path)) {
    const [pid, started] = readFileSync(path, 'utf8').trim().split(' ');
    if (started !== undefined && findProcess(Number(pid))?.started === started) {
      throw new Error(
        `Another local runtime (process ${pid}) uses ${directory}; end it or give another directory with --dir`,
      );
    }
  }
  writeFileSync(path, `${process.pid} ${findProcess(process.pid)?.started}\n`);
  return () => rmSync(path, { force: true });
}
