/** The network of a room: one switch with all machines and the runtime on it, and what fails on it. */
import type { Fault, FaultKind } from '../../faults/fault.ts';
import type { FaultyNetwork } from '../../faults/faults.ts';
import { type Port, ruleSet } from './packet-filter.ts';
import type { Room } from './room.ts';

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
  readonly #canDelay: boolean;
  #faults: readonly Fault[] = [];

  private constructor(room: Room, ports: readonly SwitchPort[], apiPort: number, canDelay: boolean) {
    this.#room = room;
    this.#ports = ports;
    this.#apiPort = apiPort;
    this.#canDelay = canDelay;
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
    const probe = ['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'];
    const canDelay = await room.configure(probe).then(
      () => true,
      () => false,
    );
    if (canDelay) await room.configure(['tc', 'qdisc', 'del', 'dev', 'lo', 'root']);
    return new Switch(room, ports, apiPort, canDelay);
  }

  whyNot(kind: FaultKind): string | undefined {
    if (kind !== 'delay' || this.#canDelay) return undefined;
    return 'the kernel of this machine has no netem (CONFIG_NET_SCH_NETEM; modprobe sch_netem where it is a module)';
  }

  async apply(faults: readonly Fault[]): Promise<void> {
    await this.#room.configure(['nft', '-f', '-'], ruleSet(faults, this.#ports, this.#apiPort));
    this.#faults = faults;
    await Promise.all(this.#ports.map((port) => this.#delay(port)));
  }

  /** A machine has booted: its link is a new one, which delays nothing yet. */
  async linkIsNew(node: string): Promise<void> {
    await Promise.all(this.#ports.filter((port) => port.node === node).map((port) => this.#delay(port)));
  }

  async #delay({ node, link }: SwitchPort): Promise<void> {
    if (!this.#canDelay) return;
    const delay = this.#faults.find((fault) => fault.kind === 'delay' && fault.node === node);
    const milliseconds = delay?.kind === 'delay' ? delay.milliseconds : 0;
    const command = ['tc', 'qdisc', 'replace', 'dev', link, 'root', 'netem', 'delay', `${milliseconds}ms`];
    // A machine without power has no link; it is delayed when it is back.
    await this.#room.configure(command).catch(() => undefined);
  }
}
