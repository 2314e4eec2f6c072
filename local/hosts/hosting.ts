import type { Server } from 'node:net';
import type { FaultyNetwork } from '../faults/faults.ts';
import type { Host } from './host.ts';

/** Kinds of hosts that a runtime can have. */
export const hostKinds = ['processes', 'machines'] as const;
export type HostKind = (typeof hostKinds)[number];

/** The hosts of a runtime with what they stand on. */
export interface Hosting {
  readonly hosts: readonly Host[];
  readonly network: FaultyNetwork;
  /** What runs a program in the hosts' network; empty where that is this machine's. */
  readonly networkCommand: readonly string[];
  /** Further sockets, in the hosts' network, at which the endpoint is to answer. */
  listen(port: number): Promise<readonly Server[]>;
  /** Ends what the hosts stand on, after they are off. */
  close(): Promise<void>;
}
