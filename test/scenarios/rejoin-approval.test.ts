/** Where policy.rebuild is `ask`, a rebuild waits for a person, who gets the plan and the commands by mail. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeExecutionCommand, SendTaskFailureCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Mailbox } from '../../local/client/mailbox.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { RejoiningCluster, slave01, slave02 } from '../support/rejoining.ts';

describe.sequential('a rebuild that needs approval', () => {
  let cluster: RejoiningCluster;
  let mailbox: Mailbox;

  beforeAll(async () => {
    cluster = await RejoiningCluster.start({ policy: { rebuild: 'ask' } }, { emails: ['dba@example.com'] });
    mailbox = new Mailbox(join(cluster.runtime.directory, 'mail'));
    await cluster.stop(slave01);
    rmSync(cluster.data(slave01), { recursive: true });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  /** Starts rejoin; the mail that asks, and the execution that waits. */
  async function asked(): Promise<{ text: string; executionArn: string; taskToken: string }> {
    const executionArn = await startRunbook(cluster.runtime.clients, 'pg-sync', 'rejoin', { node: slave01 });
    const text = await waitFor('the mail that asks', 60, async () => {
      const { status, error, cause } = await cluster.runtime.clients.sfn.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      if (status !== 'RUNNING') throw new Error(`rejoin did not wait: ${status} ${error} ${cause}`);
      const mail = (await mailbox.notices()).find(({ subject }) => subject.startsWith('APPROVE '));
      return mail === undefined ? null : `${mail.subject}\n${mail.text}`;
    });
    const taskToken = /send-task-success .*--task-token '([^']+)'/.exec(text)?.[1] ?? '';
    return { text, executionArn, taskToken };
  }

  const ended = (executionArn: string) => awaitRunbook(cluster.runtime.clients, 'pg-sync', executionArn, 60);

  it('is refused by a person: nothing was built, and the reason is told', async () => {
    const { text, executionArn, taskToken } = await asked();
    expect(text).toMatch(/^APPROVE pg-sync: rebuild of pg_sync_slave01\?$/m);
    expect(text).toContain('The data directory of pg_sync_slave01 is absent.');
    expect(text).toMatch(/aws stepfunctions send-task-failure --region \S+ --task-token '\S+' --error RebuildRefused/);
    // The lock is free while it waits.
    expect((await cluster.rejoined(slave02)).method).toBe('none');
    await cluster.runtime.clients.sfn.send(
      new SendTaskFailureCommand({ taskToken, error: 'RebuildRefused', cause: 'not during business hours' }),
    );
    expect(await ended(executionArn)).toMatchObject({
      status: 'FAILED',
      error: 'RebuildRefused',
      cause: expect.stringContaining('not during business hours'),
    });
  });

  it('is approved: the runbook looks again, and rebuilds', async () => {
    const { executionArn, taskToken } = await asked();
    await cluster.runtime.clients.sfn.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
    expect(await ended(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: { method: 'rebuild' } });
    await cluster.replicates();
  });

  it('is not asked for when the input allows it', async () => {
    await cluster.stop(slave01);
    rmSync(cluster.data(slave01), { recursive: true });
    expect((await cluster.rejoined(slave01, { allowRebuild: true })).method).toBe('rebuild');
  });
});
