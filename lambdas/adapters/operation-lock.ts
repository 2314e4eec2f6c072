/**
 * The cluster's lock: one item of the state table, changed by conditional writes only.
 * Its epoch grows with every acquisition and stays when the lock is given back, so a host can tell old commands from
 * new ones; `domain/epochs.ts` says why it grows even when the table is lost.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { RunningOperation } from '../contract/alerts.ts';
import { stateItems } from '../contract/names.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.operation } };

/** What an attempt to take the lock goes by. */
export interface Attempt {
  readonly deadOwner: string | null;
  readonly epoch: number;
  readonly lastEpoch: number | null;
}

/** The lock as it was read. */
export interface LockRecord {
  /** Null when nobody holds it. */
  readonly holder: RunningOperation | null;
  /** Of the newest operation; null when there was none. */
  readonly epoch: number | null;
}

/**
 * Takes the lock when it is free, when its lease has ended, when `owner` holds it already (a repeated call)
 * or when `deadOwner` holds it.
 *
 * @param leaseSeconds after this time anyone may take the lock
 * @param epoch of the operation
 * @param lastEpoch the one on record when `epoch` was chosen: an epoch is given once
 * @returns false when somebody else holds the lock, or has held it meanwhile
 */
export async function takeLock(
  table: string,
  holder: RunningOperation,
  leaseSeconds: number,
  { deadOwner, epoch, lastEpoch }: Attempt,
): Promise<boolean> {
  const now = new Date(holder.since);
  const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000).toISOString();
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression:
          'SET #owner = :owner, runbook = :runbook, since = :since, leaseUntil = :until, epoch = :epoch',
        ConditionExpression: `(attribute_not_exists(#owner) OR #owner = :owner OR #owner = :dead OR leaseUntil < :since)
          AND ${lastEpoch === null ? 'attribute_not_exists(epoch)' : 'epoch = :last'}`,
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':owner': { S: holder.owner },
          ':runbook': { S: holder.runbook },
          ':since': { S: holder.since },
          ':until': { S: leaseUntil },
          ':dead': { S: deadOwner ?? '-' },
          ':epoch': { N: `${epoch}` },
          ...(lastEpoch === null ? {} : { ':last': { N: `${lastEpoch}` } }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** How often the lock is tried for when it changes hands while it is asked about. */
const attempts = 5;

/**
 * Takes the lock, also from an owner that no longer runs. Only one that runs is a reason to refuse: an execution that
 * was stopped may take the lock late, between the question who has it and the attempt to take it.
 *
 * @param next the epoch that follows the last one
 * @returns the epoch of the operation, or who has the lock
 */
export async function acquire(
  lock: {
    read(): Promise<LockRecord>;
    take(attempt: Attempt): Promise<boolean>;
  },
  isRunning: (execution: string) => Promise<boolean>,
  next: (lastEpoch: number | null) => number,
): Promise<{ epoch: number } | { heldBy: RunningOperation | null }> {
  let holder: RunningOperation | null = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const record = await lock.read();
    holder = record.holder;
    const runs = holder !== null && (await isRunning(holder.owner));
    const epoch = next(record.epoch);
    const deadOwner = runs ? null : (holder?.owner ?? null);
    if (await lock.take({ deadOwner, epoch, lastEpoch: record.epoch })) return { epoch };
    if (runs) break;
  }
  return { heldBy: holder };
}

/** The lock as it is now. */
export async function readLock(table: string): Promise<LockRecord> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  const [owner, runbook, since] = [Item?.owner?.S, Item?.runbook?.S, Item?.since?.S];
  return {
    holder: owner === undefined || runbook === undefined || since === undefined ? null : { owner, runbook, since },
    epoch: Item?.epoch?.N === undefined ? null : Number(Item.epoch.N),
  };
}

/** Who holds the lock now; null when nobody does. */
export async function lockHolder(table: string): Promise<RunningOperation | null> {
  return (await readLock(table)).holder;
}

/** What a person types to remove the epoch on record. */
export const howToForgetEpoch = (region: string, table: string): string =>
  `aws dynamodb update-item --region ${region} --table-name ${table} --key '${JSON.stringify(key)}' --update-expression 'REMOVE epoch'`;

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
