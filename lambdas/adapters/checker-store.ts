/**
 * What the checker remembers between checks: one item of the state table. It is written on condition that nobody has
 * written it since it was read, so that of two checks at the same time only one decides, and with the alerts that are
 * still to be sent, so that none is lost when a function dies between deciding and sending.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { AlertEvent } from '../contract/alerts.ts';
import { type CheckerState, checkerStateSchema } from '../contract/health.ts';
import { stateItems } from '../contract/names.ts';
import { initialState } from '../domain/transitions.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.checker } };

/** An alert that was decided and may not have been sent yet. Only this file writes them, so only their frame is checked. */
const unsentSchema = z.object({ id: z.string(), decidedAt: z.iso.datetime(), event: z.custom<AlertEvent>() });
export type Unsent = z.infer<typeof unsentSchema>;

/** The checker's memory as it was read. */
export interface CheckerRecord {
  /** Grows with every write; 0 when there is none yet. */
  readonly version: number;
  readonly state: CheckerState;
  readonly unsent: readonly Unsent[];
}

/** Reads the memory; a cluster that was never checked has an empty one. */
export async function readChecker(table: string): Promise<CheckerRecord> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  if (Item === undefined) return { version: 0, state: initialState(), unsent: [] };
  return {
    version: Number(Item.version?.N),
    state: checkerStateSchema.parse(JSON.parse(Item.state?.S ?? 'null')),
    unsent: z.array(unsentSchema).parse(JSON.parse(Item.unsent?.S ?? '[]')),
  };
}

/**
 * Replaces the memory that was read as `version`.
 *
 * @returns false when another check has written in between
 */
export async function writeChecker(
  table: string,
  version: number,
  next: Omit<CheckerRecord, 'version'>,
): Promise<boolean> {
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: 'SET #version = :next, #state = :state, unsent = :unsent',
        ConditionExpression: version === 0 ? 'attribute_not_exists(#version)' : '#version = :version',
        ExpressionAttributeNames: { '#version': 'version', '#state': 'state' },
        ExpressionAttributeValues: {
          ...(version === 0 ? {} : { ':version': { N: `${version}` } }),
          ':next': { N: `${version + 1}` },
          ':state': { S: JSON.stringify(next.state) },
          ':unsent': { S: JSON.stringify(next.unsent) },
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Changes what the checker remembers, whatever has been written in between; gives what it remembers from now on. */
export async function changeChecker(
  table: string,
  change: (state: CheckerState) => CheckerState,
): Promise<CheckerState> {
  for (;;) {
    const { version, state, unsent } = await readChecker(table);
    const changed = change(state);
    if (changed === state || (await writeChecker(table, version, { state: changed, unsent }))) return changed;
  }
}

/** Forgets alerts that have been sent, whatever has been written in between. */
export async function forgetSent(table: string, ids: ReadonlySet<string>): Promise<void> {
  for (;;) {
    const { version, state, unsent } = await readChecker(table);
    const left = unsent.filter(({ id }) => !ids.has(id));
    if (left.length === unsent.length || (await writeChecker(table, version, { state, unsent: left }))) return;
  }
}
