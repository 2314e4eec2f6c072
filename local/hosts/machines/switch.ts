/** The network of a room: one switch with all machines and the runtime on it, and what fails on it. */
import { existsSync } from 'node:fs';
import type { Fault, FaultKind } from '../../faults/fault.ts';
import type { FaultyNetwork } from '../../faults/faults.ts';
import { type Port, ruleSet } from './packet-filter.ts';
import type { Room } from './room.ts';
import { SlowLink } from './slow-link.ts';

/** A machine's place on the switch. */
export interface SwitchPort extends Port {
  readonly address: string;
  /** Address that the runtime uses towards it. */
  readonly runtimeAddress: string;
}

/** The switch of a room. */
export class Switch implements FaultyNetwork {
  readonly #room: Room;
  readonly #ports: readonly SwitchPort[];
  readonly #apiPort: number;
  readonly #slowLinks: ReadonlyMap<string, SlowLink>;
  #faults: readonly Fault[] = [];

  private constructor(room: Room, ports: readonly SwitchPort[], apiPort: number) {
    this.#room = room;
    this.#ports = ports;
    this.#apiPort = apiPort;
    this.#slowLinks = new Map(ports.map(({ node, link }) => [node, new SlowLink(room, link)]));
  }

  /** Gives the runtime its addresses on the room's switch, and the ways to the machines. */
  static async open(room: Room, ports: readonly SwitchPort[], apiPort: number): Promise<Switch> {
    const own = new Set(ports.map(({ runtimeAddress }) => runtimeAddress));
    const commands = [
      ...[...own].map((address) => `address add ${address}/32 dev ${room.bridge}`),
      // Addresses need not be of one subnet: everybody is on this link.
      ...ports.map(({ address, runtimeAddress }) => `route add ${address}/32 dev ${room.bridge} src ${runtimeAddress}`),
    ];
    await room.configure(['ip', '-batch', '-'], `${commands.join('\n')}\n`);
    return new Switch(room, ports, apiPort);
  }

  whyNot(kind: FaultKind): string | undefined {
    if (kind !== 'delay' || existsSync('/dev/net/tun')) return undefined;
    return 'this system has no /dev/net/tun; modprobe tun, or give it to the container';
  }

  async apply(faults: readonly Fault[]): Promise<void> {
    await this.#room.configure(['nft', '-f', '-'], ruleSet(faults, this.#ports, this.#apiPort));
    const before = this.#faults;
    this.#faults = faults;
    const changed = this.#ports.filter(({ node }) => delayOf(before, node) !== delayOf(faults, node));
    await Promise.all(changed.map(({ node }) => this.#slowLinks.get(node)?.set(delayOf(faults, node))));
  }

  /** A machine has booted: its link is a new one, which delays nothing yet. */
  async linkIsNew(node: string): Promise<void> {
    const milliseconds = delayOf(this.#faults, node);
    if (milliseconds > 0) await this.#slowLinks.get(node)?.set(milliseconds);
  }
}

function delayOf(faults: readonly Fault[], node: string): number {
  const delay = faults.find((fault) => fault.kind === 'delay' && fault.node === node);
  return delay?.kind === 'delay' ? delay.milliseconds : 0;
}
