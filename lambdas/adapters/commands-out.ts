/**
 * The record of commands that are out: one item of the state table, an attribute for each command, named by the hash of
 * its task's token. It is written before the command is sent, so that there is no command without a record; what was
 * recorded and never sent goes by its age.
 */
import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { stateItems } from '../contract/names.ts';
import type { CommandOut } from '../domain/commands-out.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.commands } };

export const hashOfToken = (taskToken: string): string => createHash('sha256').update(taskToken).digest('hex');

/** Records a command that is about to be sent. */
export async function recordCommand(table: string, out: CommandOut): Promise<void> {
  const { tokenHash, document, instanceId, sentAt, until } = out;
  const entry: AttributeValue = {
    M: {
      document: { S: document },
      instanceId: { S: instanceId },
      sentAt: { S: sentAt.toISOString() },
      until: { S: until.toISOString() },
    },
  };
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: key,
      UpdateExpression: 'SET #hash = :entry',
      ExpressionAttributeNames: { '#hash': tokenHash },
      ExpressionAttributeValues: { ':entry': entry },
    }),
  );
}

/** Adds the id that SSM gave the command. One that has ended meanwhile is not on record any more, and stays so. */
export async function nameCommand(table: string, tokenHash: string, commandId: string): Promise<void> {
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: 'SET #hash.commandId = :id',
        ConditionExpression: 'attribute_exists(#hash)',
        ExpressionAttributeNames: { '#hash': tokenHash },
        ExpressionAttributeValues: { ':id': { S: commandId } },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

const isHash = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** All commands on record, and the hashes of those of which nobody can read which they are. */
export async function commandsOut(table: string): Promise<{ commands: CommandOut[]; unreadable: string[] }> {
  const { Item = {} } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  const records = Object.entries(Item).filter(([name]) => isHash(name));
  const read = records.map(([tokenHash, { M: entry }]) => [tokenHash, commandOf(tokenHash, entry ?? {})] as const);
  return {
    commands: read.flatMap(([, command]) => command ?? []),
    unreadable: read.flatMap(([tokenHash, command]) => (command === null ? [tokenHash] : [])),
  };
}

/** Null when the record cannot be read. */
function commandOf(tokenHash: string, entry: Readonly<Record<string, AttributeValue>>): CommandOut | null {
  const { document, instanceId, commandId } = entry;
  const [sentAt, until] = [new Date(entry.sentAt?.S ?? ''), new Date(entry.until?.S ?? '')];
  if (Number.isNaN(sentAt.getTime()) || Number.isNaN(until.getTime())) return null;
  if (document?.S === undefined || instanceId?.S === undefined) return null;
  return { tokenHash, document: document.S, instanceId: instanceId.S, sentAt, until, commandId: commandId?.S ?? null };
}

/** Removes the record of a command that has ended, or of one that nobody can complete. */
export async function forgetCommand(table: string, { tokenHash }: Pick<CommandOut, 'tokenHash'>): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: key,
      UpdateExpression: 'REMOVE #hash',
      ExpressionAttributeNames: { '#hash': tokenHash },
    }),
  );
}
