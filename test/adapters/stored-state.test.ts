/** Items of the state table that other versions wrote, read through a real table. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readAllowance, readableAllowance } from '../../lambdas/adapters/allowance-store.ts';
import { readChecker, writeChecker } from '../../lambdas/adapters/checker-store.ts';
import { initialState } from '../../lambdas/domain/transitions.ts';

type Item = Record<string, AttributeValue>;

/** As the last release wrote them: in a healthy cluster, and in a night with an incident. */
const released = JSON.parse(
  readFileSync(new URL('../infra/released/state-items.json', import.meta.url), 'utf8'),
) as Record<'healthy' | 'night', Item[]>;

const server = dynalite({ createTableMs: 0 });
const table = 'pg-sync-state';
let client: DynamoDBClient;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'x');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x');
  client = new DynamoDBClient({});
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
});
afterAll(async () => {
  vi.unstubAllEnvs();
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const put = async (items: Item[]) => {
  for (const Item of items) await client.send(new PutItemCommand({ TableName: table, Item }));
};
const get = async (id: string) =>
  (await client.send(new GetItemCommand({ TableName: table, Key: { id: { S: id } } }))).Item;
const itemOf = (items: Item[], id: string): Item => {
  const found = items.find((item) => item.id?.S === id);
  if (found === undefined) throw new Error(`no item ${id}`);
  return found;
};

describe.each(['healthy', 'night'] as const)('the %s items of the last release', (name) => {
  it('are read without a loss, and written over', async () => {
    await put(released[name]);
    const checker = itemOf(released[name], 'checker');
    const { version, state, unsent } = await readChecker(table);
    expect(version).toBe(Number(checker.version?.N));
    expect(state).toMatchObject(JSON.parse(checker.state?.S ?? '') as object);
    expect(unsent).toEqual([]);
    expect(await writeChecker(table, version, { state, unsent })).toBe(true);
    expect((await readChecker(table)).state).toEqual(state);
  });
});

it('the allowance of the last release is read', async () => {
  await put(released.night);
  expect(await readAllowance(table)).toEqual(
    JSON.parse(itemOf(released.night, 'allowance').allowance?.S ?? '') as object,
  );
});

describe('items of a version that does not exist yet', () => {
  const night = itemOf(released.night, 'checker');
  const state = JSON.parse(night.state?.S ?? '') as Record<string, unknown>;
  const future = (changed: object, more: Item = {}): Item => ({
    ...night,
    format: { N: '99' },
    state: { S: JSON.stringify({ ...state, ...changed }) },
    ...more,
  });

  it('keep what is understood, and lose what is not', async () => {
    await put([future({ memory: { epochs: ['?'] }, weather: 'fine' }, { unsent: { S: '[{"what":"?"}]' } })]);
    const read = await readChecker(table);
    expect(read).toMatchObject({
      version: Number(night.version?.N),
      state: { incident: state.incident, maintenance: state.maintenance, memory: initialState().memory },
      unsent: [],
    });
    expect(read.state).not.toHaveProperty('weather');
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', 'null'],
    ['a list', '[]'],
    ['a text', '"checker"'],
  ])('are begun anew when they are %s', async (_, text) => {
    await put([{ ...night, format: { N: '99' }, state: { S: text }, unsent: { S: text } }]);
    expect(await readChecker(table)).toEqual({
      version: Number(night.version?.N),
      state: initialState(),
      unsent: [],
    });
  });

  it('are written over by their version, and the epoch stays', async () => {
    const lock = { id: { S: 'operation' }, epoch: { N: '1795807784' }, fence: { S: 'unknown to us' } };
    await put([future({ memory: null }), lock]);
    const { version, ...rest } = await readChecker(table);
    expect(await writeChecker(table, version - 1, rest)).toBe(false);
    expect(await writeChecker(table, version, rest)).toBe(true);
    expect(await get('checker')).toMatchObject({ format: { N: '1' } });
    expect(await get('operation')).toEqual(lock);
  });

  it('let nobody act on an allowance that cannot be read; who only tells goes on without', async () => {
    await put([{ id: { S: 'allowance' }, allowance: { S: '{"for":"whom?"}' } }]);
    await expect(readAllowance(table)).rejects.toThrow(expect.objectContaining({ name: 'StateUnreadable' }));
    expect(await readableAllowance(table)).toBeNull();
  });
});
