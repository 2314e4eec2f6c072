/** The lock against a table that evaluates conditions as DynamoDB does. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AttributeValue,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nextEpoch } from '../../lambdas/domain/epochs.ts';

let server: Server;
let lock: typeof import('../../lambdas/adapters/operation-lock.ts');

beforeAll(async () => {
  server = dynalite({ createTableMs: 0 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.resetModules();
  lock = await import('../../lambdas/adapters/operation-lock.ts');
  await new DynamoDBClient({}).send(
    new CreateTableCommand({
      TableName: 'lock-state',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
});
afterAll(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

const arn = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:pg-sync-setup:${name}`;
const holder = (owner: string) => ({ owner, runbook: 'setup' as const, since: new Date().toISOString() });
const takeAs = (owner: string, deadOwner: string | null, epoch: number, lastEpoch: number | null) =>
  lock.takeLock('lock-state', holder(owner), 60, { deadOwner, epoch, lastEpoch });

const ownerNow = async () => (await lock.lockHolder('lock-state'))?.owner ?? 'nobody';

it('gives an epoch once, to one of those who try at the same time', async () => {
  const first = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => takeAs(arn(owner), null, 100, null)));
  expect(first.filter(Boolean)).toHaveLength(1);
  const { epoch } = await lock.readLock('lock-state');
  expect(epoch).toBe(100);
  // Its owner may take it again, and a dead one be replaced; but only with an epoch that follows what is on record.
  const owner = await ownerNow();
  expect(await takeAs(owner, null, 101, 99)).toBe(false);
  expect(await takeAs(owner, null, 101, 100)).toBe(true);
  expect(await takeAs(arn('other'), null, 102, 101)).toBe(false);
  const heirs = await Promise.all(['e', 'f', 'g'].map((heir) => takeAs(arn(heir), owner, 102, 101)));
  expect(heirs.filter(Boolean)).toHaveLength(1);
});

it('keeps its epoch when it is given back', async () => {
  expect(await lock.returnLock('lock-state', await ownerNow())).toBe(true);
  expect(await lock.readLock('lock-state')).toEqual({ holder: null, epoch: 102 });
  expect(await takeAs(arn('next'), null, 1, null)).toBe(false);
});

describe('a lock that another version wrote', () => {
  const put = (item: Record<string, AttributeValue>) =>
    new DynamoDBClient({}).send(
      new PutItemCommand({ TableName: 'lock-state', Item: { id: { S: 'operation' }, ...item } }),
    );
  const attempt = (runs: boolean) => {
    const now = new Date();
    return lock.acquire(
      {
        read: () => lock.readLock('lock-state'),
        take: (each) => lock.takeLock('lock-state', holder(arn('mine')), 60, each),
      },
      async () => runs,
      (last) => nextEpoch(last, now, 'how to forget it'),
    );
  };
  const dead = { owner: { S: arn('dead') }, epoch: { N: '5' } };

  it.each<[string, Record<string, AttributeValue>]>([
    ['lacks its runbook', { ...dead, since: { S: '2020-01-06T07:20:00.000Z' } }],
    ['lacks its time', { ...dead, runbook: { S: 'setup' } }],
    ['has a time that is none', { ...dead, runbook: { S: 'setup' }, since: { S: 'now' } }],
    ['has lists in the place of text', { ...dead, runbook: { L: [] }, since: { L: [] }, leaseUntil: { L: [] } }],
  ])('is taken from an execution that no longer runs, and from no other, where it %s', async (_, item) => {
    await put(item);
    expect(await attempt(true)).toMatchObject({ heldBy: { owner: arn('dead') } });
    expect(await attempt(false)).toMatchObject({ epoch: expect.any(Number) });
  });

  it.each<[string, AttributeValue]>([
    ['no execution', { S: 'somebody' }],
    ['a number', { N: '3' }],
    ['a map', { M: { arn: { S: arn('one') } } }],
  ])('is taken from nobody where its owner is %s, until it is removed', async (_, owner) => {
    await put({ owner, epoch: { N: '5' } });
    expect(await attempt(false)).toEqual({ heldBy: 'unreadable' });
    await expect(lock.lockHolder('lock-state')).rejects.toMatchObject({ name: 'StateUnreadable' });
    await removeAs(lock.howToForgetLock('us-east-1', 'lock-state'));
    expect(await attempt(false)).toMatchObject({ epoch: expect.any(Number) });
  });

  it.each<[string, AttributeValue]>([
    ['text', { S: 'twelve' }],
    ['a fraction', { N: '12.5' }],
    ['far ahead', { N: '99999999999' }],
  ])('says how to remove an epoch that is %s', async (_, epoch) => {
    await put({ epoch });
    await expect(attempt(false)).rejects.toMatchObject({ name: 'EpochImplausible' });
    await removeAs(lock.howToForgetEpoch('us-east-1', 'lock-state'));
    expect(await attempt(false)).toMatchObject({ epoch: expect.any(Number) });
  });

  /** Does what the command of the AWS CLI does, read as a shell reads it. */
  async function removeAs(command: string): Promise<void> {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
    const option = (name: string) => words[words.indexOf(`--${name}`) + 1] ?? '';
    expect(words.slice(0, 3)).toEqual(['aws', 'dynamodb', 'update-item']);
    const names = words.includes('--expression-attribute-names')
      ? { ExpressionAttributeNames: JSON.parse(option('expression-attribute-names')) as Record<string, string> }
      : {};
    await new DynamoDBClient({ region: option('region') }).send(
      new UpdateItemCommand({
        TableName: option('table-name'),
        Key: JSON.parse(option('key')) as Record<string, AttributeValue>,
        UpdateExpression: option('update-expression'),
        ...names,
      }),
    );
  }
});
