/**
 * The cluster's lock: one item of the state table, changed by conditional writes only.
 * Its epoch grows with every acquisition and is never reset, so a host can tell old commands from new ones.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { RunningOperation } from '../contract/alerts.ts';

const client = new DynamoDBClient({});
const key = { id: { S: 'operation' } };

/**
 * Takes the lock when it is free, when its lease has ended, when `owner` holds it already (a repeated call)
 * or when `deadOwner` holds it.
 *
 * @param leaseSeconds after this time anyone may take the lock
 * @returns the epoch of the operation, or null when somebody else holds the lock
 */
export async function takeLock(
  table: string,
  holder: RunningOperation,
  leaseSeconds: number,
  deadOwner: string | null,
): Promise<number | null> {
  const now = new Date(holder.since);
  const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000).toISOString();
  try {
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: 'SET #owner = :owner, runbook = :runbook, since = :since, leaseUntil = :until ADD epoch :one',
        ConditionExpression: 'attribute_not_exists(#owner) OR #owner = :owner OR #owner = :dead OR leaseUntil < :since',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':owner': { S: holder.owner },
          ':runbook': { S: holder.runbook },
          ':since': { S: holder.since },
          ':until': { S: leaseUntil },
          ':dead': { S: deadOwner ?? '-' },
          ':one': { N: '1' },
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Number(Attributes?.epoch?.N);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return null;
    throw error;
  }
}

/** How often the lock is tried for when it changes hands while it is asked about. */
const attempts = 5;

/**
 * Takes the lock, also from an owner that no longer runs. Only one that runs is a reason to refuse: an execution that
 * was stopped may take the lock late, between the question who has it and the attempt to take it.
 *
 * @returns the epoch of the operation, or who has the lock
 */
export async function acquire(
  lock: {
    holder(): Promise<RunningOperation | null>;
    take(deadOwner: string | null): Promise<number | null>;
  },
  isRunning: (execution: string) => Promise<boolean>,
): Promise<{ epoch: number } | { heldBy: RunningOperation | null }> {
  let holder: RunningOperation | null = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    holder = await lock.holder();
    const runs = holder !== null && (await isRunning(holder.owner));
    const epoch = await lock.take(runs ? null : (holder?.owner ?? null));
    if (epoch !== null) return { epoch };
    if (runs) break;
  }
  return { heldBy: holder };
}

/** Who holds the lock now; null when nobody does. */
export async function lockHolder(table: string): Promise<RunningOperation | null> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  const [owner, runbook, since] = [Item?.owner?.S, Item?.runbook?.S, Item?.since?.S];
  return owner === undefined || runbook === undefined || since === undefined ? null : { owner, runbook, since };
}

/**
 * Gives the lock back if `owner` holds it; somebody else's stays.
 *
 * @returns true when it was held and is now free
 */
export async function returnLock(table: string, owner: string): Promise<boolean> {
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: 'REMOVE #owner, runbook, since, leaseUntil',
        ConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': { S: owner } },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
