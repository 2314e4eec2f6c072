/** The disk of a machine: this system's root below, what the machine has written on top of it. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Room } from './room.ts';
import { runProgram } from './run-program.ts';
import type { SystemFile } from './system-files.ts';

/** Of this system's, what a machine has nothing to do with: units that it enabled, and what makes units from files. */
const units = '/etc/systemd/system';
const generators = '/usr/lib/systemd/system-generators';

/** OVERLAYFS_SUPER_MAGIC of statfs(2). */
const overlayType = 0x794c7630;

/** A machine's disk. */
export class Disk {
  readonly #room: Room;
  readonly #directory: string;
  /** The mounted disk, as the room sees it. */
  readonly root: string;

  /** @param directory keeps what the machine writes; outlives the runtime */
  constructor(room: Room, directory: string) {
    this.#room = room;
    this.#directory = directory;
    this.root = join(directory, 'root');
  }

  /** A path of the machine, as seen from outside, whether or not the machine runs. */
  path(inside: string): string {
    return this.#room.path(join(this.root, inside));
  }

  /** Mounts it in the room. Returns false when the disk is in memory and ends with the room. */
  async mount(): Promise<boolean> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    // An overlay cannot keep its changes on another overlay, such as the root of a container.
    const isKept = statfsSync(this.#directory).type !== overlayType;
    if (!isKept) {
      await runProgram([...this.#room.command, 'mount', '-t', 'tmpfs', '-o', 'mode=0755', 'disk', this.#directory]);
    }
    const [upper, work] = ['disk', 'work'].map((name) => join(this.#directory, name)) as [string, string];
    for (const path of [upper, work, this.root]) mkdirSync(this.#room.path(path), { recursive: true, mode: 0o755 });
    const options = `lowerdir=/,upperdir=${upper},workdir=${work}`;
    const mount = [...this.#room.command, 'mount', '-t', 'overlay', 'machine', '-o', options, this.root];
    await runProgram(mount);
    return isKept;
  }

  /** The machine's own id; the same for as long as the disk lives. */
  get machineId(): string {
    const file = this.#room.path(join(this.#directory, 'machine-id'));
    if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('hex'));
    return readFileSync(file, 'utf8');
  }

  /**
   * Makes a new machine's disk that of a machine with nothing but the base system: no unit enabled, no generator, and
   * nothing in the given directories, which this system may use itself.
   */
  clear(directories: readonly string[]): void {
    const done = this.#room.path(join(this.#directory, 'cleared'));
    if (existsSync(done)) return;
    for (const path of [units, ...directories]) rmSync(this.path(path), { recursive: true, force: true });
    const masks = this.path('/etc/systemd/system-generators');
    mkdirSync(masks, { recursive: true });
    for (const name of existsSync(generators) ? readdirSync(generators) : []) {
      if (!existsSync(join(masks, name))) symlinkSync('/dev/null', join(masks, name));
    }
    // Debian's own PostgreSQL is not what the cluster's unit starts.
    mkdirSync(this.path(units), { recursive: true });
    for (const name of ['postgresql.service', 'postgresql@.service'])
      symlinkSync('/dev/null', this.path(join(units, name)));
    writeFileSync(done, '');
  }

  /** Writes files, in place of those that are there. */
  write(files: readonly SystemFile[]): void {
    for (const file of files) {
      const path = this.path(file.path);
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      rmSync(path, { force: true });
      if ('target' in file) symlinkSync(file.target, path);
      else {
        writeFileSync(path, file.text);
        chmodSync(path, file.mode);
      }
    }
  }
}
