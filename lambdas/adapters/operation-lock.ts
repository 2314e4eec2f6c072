/**
 * The cluster's lock: one item of the state table, changed by conditional writes only.
 * Its epoch grows with every acquisition and stays when the lock is given back, so a host can tell old commands from
 * new ones; `domain/epochs.ts` says why it grows even when the table is lost.
 */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { RunningOperation } from '../contract/alerts.ts';
import { OperatorError } from '../contract/errors.ts';
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
  /** Null when nobody holds it; `unreadable` when it is held, and what is on record names no execution. */
  readonly holder: RunningOperation | 'unreadable' | null;
  /** Of the newest operation; null when there was none, NaN when it is no number. */
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
 * @returns the epoch of the operation, or who has the lock. Whoever cannot be named may run: the lock is not taken
 */
export async function acquire(
  lock: {
    read(): Promise<LockRecord>;
    take(attempt: Attempt): Promise<boolean>;
  },
  isRunning: (execution: string) => Promise<boolean>,
  next: (lastEpoch: number | null) => number,
): Promise<{ epoch: number } | { heldBy: LockRecord['holder'] }> {
  let holder: RunningOperation | null = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const record = await lock.read();
    if (record.holder === 'unreadable') return { heldBy: record.holder };
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
  return { holder: holderOf(Item ?? {}), epoch: Item?.epoch === undefined ? null : Number(Item.epoch.N) };
}

const arnOfExecution = /^arn:[\w-]+:states:[\w-]+:\d+:execution:[^:\s]+:[^:\s]+$/;
const longAgo = new Date(0).toISOString();

/** The execution is what counts: it can be asked whether it runs, whatever else is on record of it. */
function holderOf({ owner, runbook, since }: Readonly<Record<string, AttributeValue>>): LockRecord['holder'] {
  if (owner === undefined) return null;
  if (owner.S === undefined || !arnOfExecution.test(owner.S)) return 'unreadable';
  const at = Number.isNaN(Date.parse(since?.S ?? '')) ? longAgo : (since?.S ?? longAgo);
  return { owner: owner.S, runbook: runbook?.S ?? 'unknown', since: at };
}

/**
 * Who holds the lock now; null when nobody does.
 *
 * @throws OperatorError StateUnreadable
 */
export async function lockHolder(table: string): Promise<RunningOperation | null> {
  const { holder } = await readLock(table);
  if (holder === 'unreadable') throw lockUnreadable('Start the runbook that you need: it says how to remove the lock.');
  return holder;
}

/** Nobody can be asked whether it still runs: only a person can find that out. */
export function lockUnreadable(remedy: string): OperatorError {
  return new OperatorError('StateUnreadable', 'The cluster’s lock is held, and it cannot be read by whom.', remedy);
}

/** What a person types to remove a lock that nobody holds. */
export const howToForgetLock = (region: string, table: string): string =>
  `aws dynamodb update-item --region ${region} --table-name ${table} --key '${JSON.stringify(key)}' --update-expression 'REMOVE #owner, runbook, since, leaseUntil' --expression-attribute-names '{"#owner":"owner"}'`;

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
