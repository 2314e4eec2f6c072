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
import { readAllowance, writeAllowance } from '../../lambdas/adapters/allowance-store.ts';
import { changeChecker, readChecker, writeChecker } from '../../lambdas/adapters/checker-store.ts';
import { commandsOut, forgetCommand } from '../../lambdas/adapters/commands-out.ts';
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

const allowanceOf = (items: Item[]) => JSON.parse(itemOf(items, 'allowance').allowance?.S ?? '') as object;

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
  expect(await readAllowance(table)).toEqual(allowanceOf(released.night));
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
      state: {
        incident: state.incident,
        maintenance: state.maintenance,
        memory: {
          ...initialState().memory,
          unread: { parts: ['primary', 'waiting', 'durabilityRisk', 'suspension'].map((part) => `memory.${part}`) },
        },
      },
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
      state: {
        ...initialState(),
        memory: {
          ...initialState().memory,
          unread: {
            parts: ['primary', 'waiting', 'durabilityRisk', 'suspension'].map((part) => `memory.${part}`),
            node: null,
            lsn: null,
          },
          held: ['automation.attempts', 'maintenance'],
        },
      },
      unsent: [],
    });
  });

  it('are written over by their version, and the epoch stays', async () => {
    const lock = { id: { S: 'operation' }, epoch: { N: '1795807784' }, fence: { S: 'unknown to us' } };
    await put([future({ memory: null }), lock]);
    const { version, ...rest } = await readChecker(table);
    expect(await writeChecker(table, Number(version) - 1, rest)).toBe(false);
    expect(await writeChecker(table, version, rest)).toBe(true);
    expect(await get('checker')).toMatchObject({ format: { N: '1' } });
    expect(await get('operation')).toEqual(lock);
  });

  it.each<[string, AttributeValue]>([
    ['of another shape', { S: '{"for":"whom?"}' }],
    ['no JSON', { S: '{' }],
    ['a position that is none', { S: JSON.stringify({ ...allowanceOf(released.night), lsn: 'far' }) }],
    ['a number', { N: '3' }],
    ['a map', { M: { primary: { S: 'pg_sync_master' } } }],
  ])('say that there is an allowance which is %s, and let it be removed', async (_, allowance) => {
    await put([{ id: { S: 'allowance' }, allowance }]);
    expect(await readAllowance(table)).toBe('unreadable');
    await writeAllowance(table, null);
    expect(await readAllowance(table)).toBeNull();
  });

  it('can be written over where their version is no number, by one of two', async () => {
    await put([{ ...night, version: { S: 'two' } }]);
    const { version, state: read, unsent } = await readChecker(table);
    const writes = await Promise.all([1, 2].map(() => writeChecker(table, version, { state: read, unsent })));
    expect(writes.toSorted()).toEqual([false, true]);
    await changeChecker(table, (each) => ({ ...each, maintenance: null }));
    expect(await readChecker(table)).toMatchObject({ version: 2, state: { maintenance: null } });
  });

  it('keep the alerts that can be read', async () => {
    const alert = { id: 'a', decidedAt: '2020-01-06T07:20:00.000Z', event: { kind: 'opened' } };
    await put([{ ...night, unsent: { S: JSON.stringify([{ id: 3 }, alert, 'rubbish']) } }]);
    expect((await readChecker(table)).unsent).toEqual([alert]);
  });

  it('hold records of commands that nobody can complete, which can be removed', async () => {
    const hash = (digit: string) => digit.repeat(64);
    const record = {
      document: { S: 'pg-sync-promote' },
      instanceId: { S: 'i-1' },
      sentAt: { S: '2020-01-06T07:20:00.000Z' },
      until: { S: '2020-01-06T07:30:00.000Z' },
    };
    const entries: [string, AttributeValue][] = [
      [hash('a'), { M: record }],
      [hash('b'), { M: { ...record, sentAt: { S: 'soon' } } }],
      [hash('c'), { M: { ...record, until: { N: '3' } } }],
      [hash('d'), { S: 'a command' }],
      ['format', { N: '99' }],
    ];
    await put([{ id: { S: 'commands' }, ...Object.fromEntries(entries) }]);
    const { commands, unreadable } = await commandsOut(table);
    expect(commands.map(({ tokenHash }) => tokenHash)).toEqual([hash('a')]);
    expect(unreadable.toSorted()).toEqual([hash('b'), hash('c'), hash('d')]);
    for (const tokenHash of unreadable) await forgetCommand(table, { tokenHash });
    expect(await get('commands')).toEqual({ id: { S: 'commands' }, [hash('a')]: { M: record }, format: { N: '99' } });
  });
});
