/**
 * What the checker remembers between checks: one item of the state table. It is written on condition that nobody has
 * written it since it was read, so that of two checks at the same time only one decides, and with the alerts that are
 * still to be sent, so that none is lost when a function dies between deciding and sending.
 */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import type { AlertEvent } from '../contract/alerts.ts';
import type { CheckerState } from '../contract/health.ts';
import { stateItems } from '../contract/names.ts';
import { restoreState, stateFormat } from '../domain/stored-state.ts';
import { initialState } from '../domain/transitions.ts';
import { logger } from './logger.ts';

const client = new DynamoDBClient({});
const key = { id: { S: stateItems.checker } };

/** An alert that was decided and may not have been sent yet. Only this file writes them, so only their frame is checked. */
const unsentSchema = z.object({ id: z.string(), decidedAt: z.iso.datetime(), event: z.custom<AlertEvent>() });
export type Unsent = z.infer<typeof unsentSchema>;

/** The checker's memory as it was read. */
export interface CheckerRecord {
  /** Grows with every write; 0 when there is none yet, `unreadable` when it is no number. */
  readonly version: number | 'unreadable';
  readonly state: CheckerState;
  readonly unsent: readonly Unsent[];
}

/** Reads the memory; a cluster that was never checked has an empty one. */
export async function readChecker(table: string): Promise<CheckerRecord> {
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
  if (Item === undefined) return { version: 0, state: initialState(), unsent: [] };
  const version = Item.version === undefined ? 0 : Item.version.N === undefined ? 'unreadable' : Number(Item.version.N);
  const { state, forgotten } = restoreState(Item.state?.S);
  // Alerts of a newer version may be of kinds that nobody here can word; the state tells what is wrong again.
  const newer = Number(Item.format?.N ?? 1) > stateFormat;
  const unsent = newer ? undefined : unsentOf(Item.unsent?.S);
  if (forgotten.length > 0 || unsent === undefined) {
    logger.warn('The memory was written by another version', { format: Item.format?.N ?? '1', forgotten });
  }
  return { version, state, unsent: unsent ?? [] };
}

/** Those that can be read; undefined when they are no list. */
function unsentOf(text = '[]'): Unsent[] | undefined {
  try {
    const stored = z.array(z.unknown()).parse(JSON.parse(text));
    return stored.flatMap((each) => unsentSchema.safeParse(each).data ?? []);
  } catch {
    return undefined;
  }
}

/** Nobody has written since the version was read. */
function unwritten(version: CheckerRecord['version']): [condition: string, values: Record<string, AttributeValue>] {
  if (version === 0) return ['attribute_not_exists(#version)', {}];
  // Whoever writes makes it a number.
  if (version === 'unreadable') {
    return ['attribute_exists(#version) AND NOT attribute_type(#version, :number)', { ':number': { S: 'N' } }];
  }
  return ['#version = :version', { ':version': { N: `${version}` } }];
}

/**
 * Replaces the memory that was read as `version`.
 *
 * @returns false when another check has written in between
 */
export async function writeChecker(
  table: string,
  version: CheckerRecord['version'],
  next: Omit<CheckerRecord, 'version'>,
): Promise<boolean> {
  const [condition, values] = unwritten(version);
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression: 'SET #version = :next, #format = :format, #state = :state, unsent = :unsent',
        ConditionExpression: condition,
        ExpressionAttributeNames: { '#version': 'version', '#format': 'format', '#state': 'state' },
        ExpressionAttributeValues: {
          ...values,
          ':next': { N: `${version === 'unreadable' ? 1 : version + 1}` },
          ':format': { N: `${stateFormat}` },
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
