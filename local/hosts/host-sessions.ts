import { isAlive, type Process } from './all-processes.ts';

const isIn =
  (session: number) =>
  (each: Process): boolean =>
    each.session === session && isAlive(each);

/**
 * Sessions of processes that were started on a host. When the last process of one is gone its number passes on to
 * whatever this machine starts next: as long as a process lives that was seen in it, it is still the same.
 */
export class HostSessions {
  /** Processes that were last seen in each, by its number. */
  readonly #seen = new Map<number, readonly Process[]>();

  /** A program was started that leads a session of its own. */
  begin(leader: Process): void {
    this.#seen.set(leader.pid, [leader]);
  }

  /** The leader has ended just now: whatever has its number at this moment is what it has left behind. */
  end(leader: number, all: readonly Process[]): void {
    this.#see(leader, all.filter(isIn(leader)));
  }

  /** Numbers of those of which something is left, among all processes there are. */
  numbers(all: readonly Process[]): ReadonlySet<number> {
    // A zombie holds its number, too.
    const started = new Map(all.map((each) => [each.pid, each.started]));
    for (const [number, seen] of this.#seen) {
      const isSame = seen.some((each) => started.get(each.pid) === each.started);
      this.#see(number, isSame ? all.filter(isIn(number)) : []);
    }
    return new Set(this.#seen.keys());
  }

  #see(number: number, members: readonly Process[]): void {
    if (members.length > 0) this.#seen.set(number, members);
    else this.#seen.delete(number);
  }
}
