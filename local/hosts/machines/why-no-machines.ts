/** Whether this system can have machines as hosts. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasProgram, machinePrograms } from '../../prerequisites/system-packages.mjs';
import { makeGroup, removeGroups } from './cgroups.ts';
import { Room } from './room.ts';
import { runProgram } from './run-program.ts';

/** Why hosts cannot be machines here, and what to do about it, in one sentence each; undefined when they can. */
export async function whyNoMachines(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `they need Linux, and this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return 'only root can make network namespaces and mounts for them. Start it as root.';
  const missing = machinePrograms.filter(({ program }) => !hasProgram(program));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].join(' ');
    return `this system lacks ${missing.map(({ program }) => program).join(', ')}. Run: apt-get install ${packages}`;
  }
  if (statSync('/usr').dev !== statSync('/').dev) {
    return '/usr is a file system of its own here, and machines only see what is on the root file system.';
  }
  return tryOut();
}

/** Does once what every machine needs. */
async function tryOut(): Promise<string | undefined> {
  const group = `local-runtime-trial-${process.pid}`;
  try {
    makeGroup(group);
  } catch (error) {
    return `control groups cannot be made (${(error as Error).message}). In a container, give it the right to (--privileged).`;
  } finally {
    await removeGroups(group).catch(() => undefined);
  }
  let room: Room;
  try {
    room = await Room.open();
  } catch (error) {
    return `${(error as Error).message}. In a container, give it the right to (--privileged).`;
  }
  const directory = mkdtempSync(join(tmpdir(), 'machines-trial-'));
  try {
    const disk = [
      'sh',
      '-ec',
      'mount -t tmpfs trial "$0"; cd "$0"; mkdir u w r; mount -t overlay trial -o lowerdir=/,upperdir=u,workdir=w r',
    ];
    await runProgram([...room.command, ...disk, directory]);
    await room.configure(
      ['nft', '-f', '-'],
      'table bridge trial { chain forward { type filter hook forward priority 0; }; }\n',
    );
    return undefined;
  } catch (error) {
    return `the kernel refuses what they are made of: ${(error as Error).message}`;
  } finally {
    await room.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
