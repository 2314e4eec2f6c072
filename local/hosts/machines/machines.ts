/** Hosts that are machines: the room, the switch in it, and a machine for every node. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import type { Cluster } from '../../../lambdas/contract/cluster-config.ts';
import { addressBits, networkAddress, parseRange } from '../../../lambdas/contract/ipv4.ts';
import { choosePostgres, findPostgres } from '../../postgres-installations.ts';
import { findProcess } from '../all-processes.ts';
import type { HostFacts } from '../host.ts';
import type { Hosting } from '../hosting.ts';
import { hostFacts } from '../hosts.ts';
import { removeGroups } from './cgroups.ts';
import { Disk } from './disk.ts';
import { MachineHost } from './machine-host.ts';
import { Room } from './room.ts';
import { Switch, type SwitchPort } from './switch.ts';
import { systemFiles, toolsDirectory } from './system-files.ts';

/** What machines are made with. */
export interface MachinesOptions {
  readonly clusters: readonly Cluster[];
  /** The runtime's; disks are kept in `nodes/<name>` below it. */
  readonly directory: string;
  readonly postgresBins: ReadonlyMap<number, string>;
  /** Port at which the runtime answers as AWS, on the machines' network too. */
  readonly apiPort: number;
  readonly say: (line: string) => void;
}

/** Directories that a machine has in memory and not from this system. */
const inMemory = /^\/(?:tmp|run|dev|proc|sys|var\/tmp)\//;

/** A file of DIR that names process 1 of the room, for clients that enter it. */
const roomFile = 'room.pid';

interface Place extends SwitchPort {
  readonly facts: HostFacts;
  readonly cluster: Cluster;
}

/** How the names of the control groups of a runtime's machines begin. */
export function groupPrefix(directory: string): string {
  return `local-runtime-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}

/** Opens a room and puts a machine for every node into it, without power yet. */
export async function makeMachines(options: MachinesOptions): Promise<Hosting> {
  const { directory, apiPort, clusters, say } = options;
  const group = groupPrefix(directory);
  // A runtime that was killed leaves nothing but its empty control groups.
  await removeGroups(group);
  const room = await Room.open();
  try {
    writeFileSync(join(directory, roomFile), `${room.keeper} ${findProcess(room.keeper)?.started}\n`);
    const places = choosePlaces(clusters);
    const [first] = places;
    const network = await Switch.open(room, places, apiPort);
    const tools = unpackTools(directory);
    const hosts: MachineHost[] = [];
    for (const place of places) {
      hosts.push(
        await makeMachine(place, {
          ...{ room, tools, directory, say },
          postgresBins: options.postgresBins,
          group: `${group}-${place.link}`,
          endpoint: `http://${place.runtimeAddress}:${apiPort}`,
          onLink: () => network.linkIsNew(place.node),
        }),
      );
    }
    return {
      hosts,
      network,
      networkCommand: room.networkCommand,
      listen: (port): Promise<Server[]> => {
        const addresses = new Set(first === undefined ? [] : places.map(({ runtimeAddress }) => runtimeAddress));
        return Promise.all([...addresses].map((address) => room.listen(address, port)));
      },
      async close() {
        await room.close();
        await removeGroups(group);
        rmSync(join(directory, roomFile), { force: true });
      },
    };
  } catch (error) {
    await room.close();
    throw error;
  }
}

/** Every node's place on the switch. The runtime gets an address in each cluster's first observer subnet. */
function choosePlaces(clusters: readonly Cluster[]): Place[] {
  const taken = new Set(clusters.flatMap(({ nodes }) => nodes.map(({ address }) => address)));
  const places = clusters.flatMap((cluster) => {
    const runtimeAddress = observerAddress(cluster, taken);
    return hostFacts(cluster).map((facts) => ({ cluster, facts, runtimeAddress }));
  });
  return places.map(({ cluster, facts, runtimeAddress }, index) => ({
    ...{ cluster, facts, runtimeAddress },
    node: facts.name,
    address: facts.address,
    // systemd-nspawn names links after machines, which get short names so that a link's name can hold them.
    link: `vb-n${index + 1}`,
    sqlPort: facts.port,
  }));
}

/** The last address of the observer's subnet that no node has: functions in the VPC connect from there. */
export function observerAddress({ name, network }: Cluster, taken: ReadonlySet<string>): string {
  const cidr = network.observerSubnets[0]?.cidr ?? '';
  const first = addressBits(networkAddress(cidr));
  const size = 2 ** (32 - parseRange(cidr).prefix);
  // The very last one is for broadcasts.
  for (let number = first + size - 2; number > first; number--) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
    if (!taken.has(address)) return address;
  }
  throw new Error(`The observer's subnet ${cidr} of ${name} has no address that no node has`);
}

/** Programs of ours that machines use, where they can be mounted from. */
function unpackTools(directory: string): string {
  const tools = join(directory, 'bin');
  mkdirSync(tools, { recursive: true, mode: 0o755 });
  copyFileSync(new URL('../aws-on-host.mjs', import.meta.url), join(tools, 'aws-on-host.mjs'));
  return tools;
}

interface MachineParts {
  readonly room: Room;
  readonly tools: string;
  readonly directory: string;
  readonly postgresBins: ReadonlyMap<number, string>;
  readonly group: string;
  readonly endpoint: string;
  readonly onLink: () => Promise<void>;
  readonly say: (line: string) => void;
}

async function makeMachine({ facts, cluster, link }: Place, parts: MachineParts): Promise<MachineHost> {
  const { room, tools, say } = parts;
  const { serviceControl, majorVersion } = cluster.postgres;
  const { binDirectory } = choosePostgres(majorVersion, parts.postgresBins, findPostgres());
  const directory = join(parts.directory, 'nodes', facts.name);
  const disk = new Disk(room, directory);
  if (!(await disk.mount())) {
    say(`${facts.name}: its disk is in memory, because ${parts.directory} is on an overlay: it ends with the runtime`);
  }
  disk.clear([facts.dataDirectory, `${facts.dataDirectory}.runbook`, '/var/lib/pg-sync-runbooks']);
  const hostname = facts.name.replace(/[^A-Za-z0-9.-]+/g, '-').replace(/[.-]+$/, '');
  disk.write(
    systemFiles({
      ...{ facts, hostname },
      machineId: disk.machineId,
      unit: serviceControl.kind === 'systemd' ? serviceControl.unit : undefined,
      installedIn: binDirectory,
      notifies: readFileSync(join(binDirectory, 'postgres')).includes('READY=1'),
    }),
  );
  return new MachineHost({
    ...{ facts, room, disk, hostname, directory, say, link },
    id: link.replace('vb-', ''),
    group: parts.group,
    endpoint: parts.endpoint,
    onLink: parts.onLink,
    binds: [
      { source: join(tools, 'aws-on-host.mjs'), target: `${toolsDirectory}/aws-on-host.mjs` },
      { source: process.execPath, target: `${toolsDirectory}/node` },
      ...(isVisible(binDirectory) ? [] : [{ source: dirname(binDirectory), target: dirname(binDirectory) }]),
    ],
  });
}

/** Machines see the root file system, without what is mounted on it and without what they have in memory. */
function isVisible(path: string): boolean {
  return !inMemory.test(path) && statSync(path).dev === statSync('/').dev;
}
