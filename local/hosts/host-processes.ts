/** Which processes belong to a process host, read from /proc. */
import { allProcesses, isAlive, type Process, processLink } from './all-processes.ts';
import { HostSessions } from './host-sessions.ts';
import { free, sharedMemoryOf } from './shared-memory.ts';

/**
 * Living processes of the host in `directory`: those that work inside it, those of the sessions that the agent
 * started, and their descendants. A process with a terminal is a person's, who may well look around in there.
 */
export function processesOf(directory: string, sessions = new HostSessions()): Process[] {
  const everyone = allProcesses();
  const all = everyone.filter(isAlive);
  const numbers = sessions.numbers(everyone);
  const isInside = ({ pid }: Process) => {
    const at = processLink(pid, 'cwd')?.replace(/ \(deleted\)$/, '');
    return at === directory || at?.startsWith(`${directory}/`) === true;
  };
  const own = new Set(
    all
      .filter((entry) => entry.terminal === 0 && entry.pid !== process.pid)
      .filter((entry) => isInside(entry) || numbers.has(entry.session))
      .map(({ pid }) => pid),
  );
  for (let before = -1; before !== own.size; ) {
    before = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all.filter(({ pid }) => own.has(pid));
}

/** Kills every process of a host until none is left, and frees the memory that they shared. */
export async function killAll(directory: string, sessions = new HostSessions()): Promise<void> {
  const deadline = Date.now() + 10_000;
  const shared = sharedMemoryOf(processesOf(directory, sessions).map(({ pid }) => pid));
  for (;;) {
    const left = processesOf(directory, sessions);
    if (left.length === 0) return free(shared);
    if (Date.now() > deadline) {
      throw new Error(`Processes ${left.map(({ pid }) => pid).join(', ')} in ${directory} do not end`);
    }
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
