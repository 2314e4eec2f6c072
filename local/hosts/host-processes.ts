/** Which processes belong to a process host, read from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { free, sharedMemoryOf } from './shared-memory.ts';

/** A process as far as it matters here. */
export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Controlling terminal; 0 when there is none. */
  readonly terminal: number;
  readonly state: string;
  readonly directory: string | undefined;
}

function directoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

/** Every process of this machine. */
function processes(): HostProcess[] {
  const found: HostProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name in parentheses may hold anything, even parentheses.
      const [state = '', parent, , session, terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const pid = Number(entry);
      found.push({
        pid,
        parent: Number(parent),
        session: Number(session),
        terminal: Number(terminal),
        state,
        directory: directoryOf(pid),
      });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/**
 * Living processes of the host in `directory`: those that work inside it, those of the sessions that the agent
 * started, and their descendants. A process with a terminal is a person's, who may well look around in there.
 */
export function processesOf(directory: string, sessions: ReadonlySet<number>): HostProcess[] {
  const all = processes().filter(({ state }) => state !== 'Z' && state !== 'X');
  const isInside = ({ directory: at }: HostProcess) => at === directory || at?.startsWith(`${directory}/`) === true;
  const own = new Set(
    all
      .filter((entry) => entry.terminal === 0 && entry.pid !== process.pid)
      .filter((entry) => isInside(entry) || sessions.has(entry.session))
      .map(({ pid }) => pid),
  );
  for (let before = -1; before !== own.size; ) {
    before = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all.filter(({ pid }) => own.has(pid));
}

/** Kills every process of a host until none is left, and frees the memory that they shared. */
export async function killAll(directory: string, sessions: ReadonlySet<number>): Promise<void> {
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
