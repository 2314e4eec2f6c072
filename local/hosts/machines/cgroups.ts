/**
 * Control groups for machines. systemd in a machine takes the group that it is started in for the root of its own tree:
 * two machines in one group would take each other's units for their own.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A group is gone a moment after its last process. */
const removalLimitMilliseconds = 5_000;

interface Hierarchy {
  /** Where it is mounted. */
  readonly mount: string;
  /** How lines of `/proc/<pid>/cgroup` name it: the controllers of version 1, nothing for version 2. */
  readonly controllers: string;
}

/** The hierarchies in which systemd keeps its units: version 2, and the named one beside it on older systems. */
export function unitHierarchies(mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): Hierarchy[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [mounted = '', filesystem = ''] = line.split(' - ');
    const mount = mounted.split(' ')[4] ?? '';
    const [type, , options = ''] = filesystem.split(' ');
    if (type === 'cgroup2') return [{ mount, controllers: '' }];
    return type === 'cgroup' && options.split(',').includes('name=systemd')
      ? [{ mount, controllers: 'name=systemd' }]
      : [];
  });
}

/** Makes a group in every hierarchy; returns the files that take processes into it. */
export function makeGroup(name: string): string[] {
  return unitHierarchies().map(({ mount }) => {
    mkdirSync(join(mount, name), { recursive: true });
    return join(mount, name, 'cgroup.procs');
  });
}

/** Files that take processes into the groups of a running one, as seen from outside of its machine. */
export function groupFilesOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  return unitHierarchies().flatMap(({ mount, controllers }) => {
    const line = lines.find((each) => each.split(':')[1] === controllers);
    const path = line?.slice(line.indexOf('/'));
    const file = path === undefined ? '' : join(mount, path, 'cgroup.procs');
    return existsSync(file) ? [file] : [];
  });
}

/** Removes the groups whose names start like this, with all below; those with processes stay. */
export async function removeGroups(prefix: string): Promise<void> {
  const deadline = Date.now() + removalLimitMilliseconds;
  for (const { mount } of unitHierarchies()) {
    for (const name of readdirSync(mount).filter((each) => each.startsWith(prefix))) {
      while (!removeTree(join(mount, name)) && Date.now() < deadline) await pause(20);
    }
  }
}

/** Removes a group, the ones below it first; false when one is in use. */
function removeTree(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory() && !removeTree(join(group, entry.name))) return false;
    }
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** A command that joins the groups of these files before it becomes the given one. */
export function inGroups(files: readonly string[], command: readonly string[]): string[] {
  const join = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"';
  return ['sh', '-c', join, 'sh', ...files, '--', ...command];
}
