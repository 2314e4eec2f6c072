/** The allowance to commit without standbys: one item of the state table, written only by who holds the cluster's lock. */
import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Allowance, allowanceSchema } from '../contract/allowance.ts';
import { stateItems } from '../contract/names.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.allowance } };

/** The allowance as it was recorded, in force or over; null when there is none. */
export async function readAllowance(table: string): Promise<Allowance | null> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  const text = Item?.allowance?.S;
  return text === undefined ? null : allowanceSchema.parse(JSON.parse(text));
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
