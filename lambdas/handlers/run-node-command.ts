import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { sendNodeCommand } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { runNodeCommandInputSchema } from '../contract/payloads.ts';
import { outgoingCommand } from '../domain/outgoing-command.ts';

const cluster = deployedCluster();
const logGroup = environmentVariable('COMMAND_LOG_GROUP');

/** Sends a command to a node; the task that called waits until the command's end completes it. */
export async function handler(event: unknown): Promise<{ commandId: string }> {
  const input = parseInput(runNodeCommandInputSchema, event, 'run-node-command');
  return { commandId: await sendNodeCommand(outgoingCommand(cluster, input, new Date()), logGroup) };
}
