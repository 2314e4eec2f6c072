import { deployedCluster } from '../adapters/cluster.ts';
import { hashOfToken, nameCommand, recordCommand } from '../adapters/commands-out.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { logger } from '../adapters/logger.ts';
import { sendNodeCommand } from '../adapters/node-commands.ts';
import { parseInput } from '../adapters/parse.ts';
import { runNodeCommandInputSchema } from '../contract/payloads.ts';
import { recordOf } from '../domain/commands-out.ts';
import { outgoingCommand } from '../domain/outgoing-command.ts';

const cluster = deployedCluster();
const table = environmentVariable('STATE_TABLE');

/** Sends a command to a node; the task that called waits until the command's end completes it. */
export async function handler(event: unknown): Promise<{ commandId: string }> {
  const input = parseInput(runNodeCommandInputSchema, event, 'run-node-command');
  const outgoing = outgoingCommand(cluster, input, new Date());
  const record = recordOf(outgoing, hashOfToken(input.taskToken), new Date());
  await recordCommand(table, record);
  const commandId = await sendNodeCommand(outgoing);
  // It is out. If its id is not noted, its end is recognized by its token.
  await nameCommand(table, record.tokenHash, commandId).catch((error: Error) =>
    logger.error('the id of a command is not on record', { commandId, error }),
  );
  return { commandId };
}
