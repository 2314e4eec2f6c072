/** The lock against a table that evaluates conditions as DynamoDB does. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

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

const holder = (owner: string) => ({ owner, runbook: 'setup' as const, since: new Date().toISOString() });
const takeAs = (owner: string, deadOwner: string | null, epoch: number, lastEpoch: number | null) =>
  lock.takeLock('lock-state', holder(owner), 60, { deadOwner, epoch, lastEpoch });

it('gives an epoch once, to one of those who try at the same time', async () => {
  const first = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => takeAs(owner, null, 100, null)));
  expect(first.filter(Boolean)).toHaveLength(1);
  const { holder: held, epoch } = await lock.readLock('lock-state');
  expect(epoch).toBe(100);
  // Its owner may take it again, and a dead one be replaced; but only with an epoch that follows what is on record.
  const owner = `${held?.owner}`;
  expect(await takeAs(owner, null, 101, 99)).toBe(false);
  expect(await takeAs(owner, null, 101, 100)).toBe(true);
  expect(await takeAs('other', null, 102, 101)).toBe(false);
  const heirs = await Promise.all(['e', 'f', 'g'].map((heir) => takeAs(heir, owner, 102, 101)));
  expect(heirs.filter(Boolean)).toHaveLength(1);
});

it('keeps its epoch when it is given back', async () => {
  const { holder: held } = await lock.readLock('lock-state');
  expect(await lock.returnLock('lock-state', `${held?.owner}`)).toBe(true);
  expect(await lock.readLock('lock-state')).toEqual({ holder: null, epoch: 102 });
  expect(await takeAs('next', null, 1, null)).toBe(false);
});
