/** The allowance to commit without standbys: one item of the state table, written only by who holds the cluster's lock. */
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Allowance, type AllowanceOnRecord, allowanceSchema } from '../contract/allowance.ts';
import { stateItems } from '../contract/names.ts';
import { logger } from './logger.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.allowance } };

/** The allowance as it was recorded, in force or over; `unreadable` when another version wrote it. */
export async function readAllowance(table: string): Promise<AllowanceOnRecord> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  if (Item?.allowance === undefined) return null;
  try {
    return allowanceSchema.parse(JSON.parse(Item.allowance.S ?? ''));
  } catch (error) {
    logger.warn('The allowance on record cannot be read', { why: error instanceof Error ? error.message : error });
    return 'unreadable';
  }
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
