/** One runtime per directory: a file names the process that uses it. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Start time of a process in clock ticks, which tells it from a later one with the same id. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Claims the directory, or throws when a living runtime has it; returns the release. */
export function claimDirectory(directory: string): () => void {
  const path = join(directory, 'runtime.pid');
  if (existsSync(path)) {
    const [pid, started] = readFileSync(path, 'utf8').trim().split(' ');
    if (started !== undefined && startTime(Number(pid)) === started) {
      throw new Error(
        `Another local runtime (process ${pid}) uses ${directory}; end it or give another directory with --dir`,
      );
    }
  }
  writeFileSync(path, `${process.pid} ${startTime(process.pid)}\n`);
  return () => rmSync(path, { force: true });
}
