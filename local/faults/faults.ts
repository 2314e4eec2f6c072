/** The faults that hold at the moment, made and healed while the runtime runs. */
import type { Host } from '../hosts/host.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { concerns, cutsAgent, type Fault, type FaultKind, replaces } from './fault.ts';

/** What makes faults real: the network of the hosts. */
export interface FaultyNetwork {
  /** Why it cannot do this fault; undefined when it can. */
  whyNot(kind: FaultKind): string | undefined;
  /** Makes exactly these faults hold. */
  apply(faults: readonly Fault[]): Promise<void>;
}

function refused(message: string): AwsError {
  return new AwsError('FaultRefused', message);
}

/** All faults of a runtime. */
export class Faults {
  readonly #hosts: readonly Host[];
  readonly #network: FaultyNetwork;
  #current: readonly Fault[] = [];
  /** Changes follow each other: each is made from what the last one left. */
  #queue: Promise<void> = Promise.resolve();

  constructor(hosts: readonly Host[], network: FaultyNetwork) {
    this.#hosts = hosts;
    this.#network = network;
  }

  /** The faults that hold. */
  list(): readonly Fault[] {
    return this.#current;
  }

  /** Makes a fault, in place of one of the same kind between the same hosts. */
  async add(fault: Fault): Promise<void> {
    this.#requireHost(fault.node);
    if (fault.kind === 'cut-between') {
      this.#requireHost(fault.other);
      if (fault.other === fault.node) throw refused(`${fault.node} cannot be cut off from itself; cut takes one host`);
    }
    const why = this.#network.whyNot(fault.kind);
    if (why !== undefined) throw refused(`${fault.kind}: ${why}`);
    await this.#change((faults) => [...faults.filter((each) => !replaces(fault, each)), fault]);
  }

  /** Ends the faults of a host, or all. */
  async heal(node?: string): Promise<void> {
    if (node !== undefined) this.#requireHost(node);
    await this.#change((faults) => (node === undefined ? [] : faults.filter((fault) => !concerns(fault, node))));
  }

  /** Makes the faults hold again, for a host whose network is new because it has booted. */
  async renew(): Promise<void> {
    await this.#change((faults) => faults);
  }

  #change(next: (faults: readonly Fault[]) => readonly Fault[]): Promise<void> {
    const change = this.#queue.then(async () => {
      const wanted = next(this.#current);
      await this.#network.apply(wanted);
      this.#current = wanted;
      for (const host of this.#hosts) {
        host.agentLink.setCut(wanted.some((fault) => cutsAgent(fault, host.facts.name)));
      }
    });
    this.#queue = change.catch(() => undefined);
    return change;
  }

  #requireHost(name: string): void {
    if (this.#hosts.some(({ facts }) => facts.name === name)) return;
    const names = this.#hosts.map(({ facts }) => facts.name).join(', ');
    throw refused(`there is no host ${name}; there are ${names}`);
  }
}

/** Hosts that are processes share this machine's network: only what does not need one of their own can fail. */
export const sharedNetwork: FaultyNetwork = {
  whyNot: (kind) =>
    kind === 'cut-ssm'
      ? undefined
      : 'hosts that are processes share the network of this machine; start the runtime with --hosts machines',
  apply: async () => undefined,
};
