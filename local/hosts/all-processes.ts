/** Every process of this machine, read from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process as far as it matters to hosts. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Controlling terminal; 0 when there is none. */
  readonly terminal: number;
  readonly state: string;
  /** When it started, in clock ticks since boot: tells it from a later one with the same id. */
  readonly started: string;
}

/** One process; undefined when there is none of this id. */
export function findProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, even parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', parent, , session, terminal] = fields;
    return {
      pid,
      parent: Number(parent),
      session: Number(session),
      terminal: Number(terminal),
      state,
      started: fields[19] ?? '',
    };
  } catch {
    return undefined;
  }
}

/** All of them, zombies included. */
export function allProcesses(): Process[] {
  return readdirSync('/proc').flatMap((entry) => {
    const found = /^\d+$/.test(entry) ? findProcess(Number(entry)) : undefined;
    return found === undefined ? [] : [found];
  });
}

/** Has neither ended nor become a zombie. */
export function isAlive({ state }: Process): boolean {
  return state !== 'Z' && state !== 'X';
}

/** Where a link in /proc points; undefined when the process is gone or the link is none of ours to read. */
export function processLink(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}
