import type { Cluster } from '../contract/cluster-config.ts';
import { resourceNames } from '../contract/names.ts';
import { emptyValue, type NodeCommandName } from '../contract/node-commands.ts';
import type { RunNodeCommandInput } from '../contract/payloads.ts';
import { deliverySeconds, notAfterSeconds } from '../contract/time-limits.ts';
import { nodeNamed } from './node-named.ts';

/** A command with everything that SSM needs to send it. */
export interface AddressedCommand {
  readonly command: NodeCommandName;
  readonly document: string;
  readonly instanceId: string;
  readonly node: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** How long SSM may try to deliver it, in seconds (at least 30). */
  readonly deliverySeconds: number;
}

/**
 * Addresses a command to its node. The host refuses it after its delivery time has passed, by its own clock,
 * with as much again to allow for clocks that differ.
 */
export function outgoingCommand(cluster: Cluster, input: RunNodeCommandInput, now: Date): AddressedCommand {
  const node = nodeNamed(cluster, input.node);
  return {
    command: input.command,
    document: resourceNames(cluster.name).document(input.command),
    instanceId: node.instanceId,
    node: node.name,
    parameters: {
      ...Object.fromEntries(Object.entries(input.parameters).map(([name, value]) => [name, value || emptyValue])),
      Node: node.name,
      TaskToken: input.taskToken,
      Epoch: `${input.epoch}`,
      NotAfter: `${Math.floor(now.getTime() / 1000) + notAfterSeconds}`,
    },
    deliverySeconds,
  };
}
