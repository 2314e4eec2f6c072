/** The allowance to commit without standbys: one item of the state table, written only by who holds the cluster's lock. */
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Allowance, allowanceSchema } from '../contract/allowance.ts';
import { OperatorError } from '../contract/errors.ts';
import { stateItems } from '../contract/names.ts';
import { logger } from './logger.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.allowance } };

/**
 * The allowance as it was recorded, in force or over; null when there is none.
 *
 * @throws OperatorError StateUnreadable when another version wrote it: commits may exist on the primary only
 */
export async function readAllowance(table: string): Promise<Allowance | null> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  const text = Item?.allowance?.S;
  if (text === undefined) return null;
  try {
    return allowanceSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OperatorError(
      'StateUnreadable',
      `The item "allowance" of the table ${table} is not what this version writes.`,
      'Deploy the version that wrote it, or a newer one.',
      { cause },
    );
  }
}

/** The same for those that only tell: one that cannot be read explains nothing. */
export async function readableAllowance(table: string): Promise<Allowance | null> {
  return readAllowance(table).catch((error: Error) => {
    if (error.name !== 'StateUnreadable') throw error;
    logger.warn(error.message);
    return null;
  });
}

/** Records an allowance in the place of any other; null removes it. */
export async function writeAllowance(table: string, allowance: Allowance | null): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: key,
      ...(allowance === null
        ? { UpdateExpression: 'REMOVE allowance' }
        : {
            UpdateExpression: 'SET allowance = :allowance',
            ExpressionAttributeValues: { ':allowance': { S: JSON.stringify(allowance) } },
          }),
    }),
  );
}
