/** Ends of an execution that no step of it can tell of: the subscribers hear of each once, and the lock is free after it. */
import { join } from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames, stateItems } from '../../lambdas/contract/names.ts';
import { type Mail, Mailbox } from '../../local/client/mailbox.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

describe('an execution that fails', () => {
  let runtime: LocalRuntime;
  let mailbox: Mailbox;
  const received: Mail[] = [];

  beforeAll(async () => {
    runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
    mailbox = new Mailbox(join(runtime.directory, 'mail'));
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  async function fail(input: object): Promise<{ error: string; execution: string }> {
    const execution = await startRunbook(runtime.clients, 'pg-sync', 'rejoin', input);
    const outcome = await awaitRunbook(runtime.clients, 'pg-sync', execution, 120);
    if (outcome.status !== 'FAILED') throw new Error(JSON.stringify(outcome));
    return { error: outcome.error, execution };
  }

  /** Subjects of the mails about an execution, once there is one that says that it has failed. */
  async function told(execution: string): Promise<string[]> {
    const about = () => received.filter(({ text }) => text.includes(execution)).map(({ subject }) => subject);
    await waitFor(`news of ${execution}`, 120, async () => {
      received.push(...(await mailbox.notices()));
      return about().some((subject) => subject.startsWith('FAILED'));
    });
    return about();
  }

  it('because its data is larger than Step Functions takes is told of once, and holds no lock', async () => {
    const { error, execution } = await fail({ node: 'pg_sync_slave01', Comment: 'x'.repeat(262_000) });
    expect(error).toBe('States.DataLimitExceeded');
    expect(await told(execution)).toEqual(['FAILED pg-sync: rejoin: States.DataLimitExceeded']);
  });

  it('for the same reason once it holds the lock gives that back', async () => {
    const { error, execution } = await fail({ node: 'pg_sync_slave01', Comment: 'x'.repeat(140_000) });
    expect(error).toBe('States.DataLimitExceeded');
    expect(await told(execution)).toEqual(['FAILED pg-sync: rejoin: States.DataLimitExceeded']);
    const lock = await waitFor('return of the lock', 60, async () => {
      const found = await lockItem();
      return found?.owner === undefined && found;
    });
    // It was taken.
    expect(lock).toHaveProperty('epoch');
  });

  it('by its own step is told of by that step, and by nobody else', async () => {
    // There is no primary yet.
    const { execution } = await fail({ node: 'pg_sync_slave01' });
    const subjects = await told(execution);
    expect(subjects.filter((subject) => subject.startsWith('FAILED'))).toHaveLength(1);
    // What another telling would take is over when the next one is told.
    const next = await fail({ node: 'pg_sync_slave01', Comment: 'x'.repeat(262_000) });
    await told(next.execution);
    expect(await told(execution)).toEqual(subjects);
  });

  async function lockItem() {
    const { Item } = await runtime.clients.dynamodb.send(
      new GetItemCommand({
        TableName: resourceNames('pg-sync').stateTable,
        Key: { id: { S: stateItems.operation } },
        ConsistentRead: true,
      }),
    );
    return Item;
  }
});
