/** Who may complete a step that waits for a command: the end of that very command, and nothing else. */
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import {
  type Command,
  GetCommandInvocationCommand,
  paginateListCommands,
  SendCommandCommand,
} from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames, stateItems } from '../../lambdas/contract/names.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const names = resourceNames('pg-sync');
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

describe('with every event lost', () => {
  let runtime: LocalRuntime;
  let executionArn = '';
  let waiting: Command[] = [];

  const commands = async (): Promise<Command[]> => {
    const all: Command[] = [];
    for await (const page of paginateListCommands({ client: runtime.clients.ssm }, {})) {
      all.push(...(page.Commands ?? []));
    }
    return all;
  };

  async function invoke(name: string, event: object): Promise<{ error: string | undefined; answer: unknown }> {
    const lambda = new LambdaClient({
      endpoint: runtime.endpoint,
      region: runtime.cluster.network.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const { FunctionError, Payload } = await lambda.send(
      new InvokeCommand({ FunctionName: names.function(name), Payload: JSON.stringify(event) }),
    );
    return { error: FunctionError, answer: JSON.parse(Buffer.from(Payload ?? []).toString() || 'null') };
  }

  const ended = async (commandId: string, instanceId: string) =>
    waitFor(`end of ${commandId}`, 60, async () => {
      const { Status } = await runtime.clients.ssm.send(
        new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }),
      );
      return Status === 'Success' || Status === 'Failed';
    });

  async function tasksSucceeded(): Promise<number> {
    let count = 0;
    for await (const { events } of paginateGetExecutionHistory({ client: runtime.clients.sfn }, { executionArn })) {
      count += (events ?? []).filter(({ type }) => type === 'TaskSucceeded').length;
    }
    return count;
  }

  const onRecord = async () => {
    const { Item = {} } = await runtime.clients.dynamodb.send(
      new GetItemCommand({ TableName: names.stateTable, Key: { id: { S: stateItems.commands } } }),
    );
    return Object.keys(Item).filter((name) => name !== 'id');
  };

  /** A record that no function wrote. */
  const record = (hash: string, entry: Record<string, string>) =>
    runtime.clients.dynamodb.send(
      new UpdateItemCommand({
        TableName: names.stateTable,
        Key: { id: { S: stateItems.commands } },
        UpdateExpression: 'SET #hash = :entry',
        ExpressionAttributeNames: { '#hash': hash },
        ExpressionAttributeValues: {
          ':entry': { M: Object.fromEntries(Object.entries(entry).map(([name, text]) => [name, { S: text }])) },
        },
      }),
    );

  beforeAll(async () => {
    runtime = await LocalRuntime.start({ clusters: [notesCluster()], args: ['--drop-events'] });
    executionArn = await startRunbook(runtime.clients, 'pg-sync', 'setup');
    waiting = await waitFor('preflight of all nodes', 60, async () => {
      const sent = await commands();
      return sent.length === 3 && sent;
    });
    for (const { CommandId = '', InstanceIds: [instanceId = ''] = [] } of waiting) await ended(CommandId, instanceId);
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  it('a command that somebody else sends with the token of a task completes nothing', async () => {
    const before = await tasksSucceeded();
    const [victim] = waiting;
    const { DocumentName, Parameters = {} } = victim ?? {};
    const other = nodeNamed(runtime.cluster, 'pg_sync_slave02').instanceId;
    for (const [document, instanceId, node] of [
      // The same document on another host, another document on the same host, and the same command again.
      [DocumentName, other, 'pg_sync_slave02'],
      [names.document('inspect-node'), victim?.InstanceIds?.[0], Parameters.Node?.[0]],
      [DocumentName, victim?.InstanceIds?.[0], Parameters.Node?.[0]],
    ]) {
      const parameters = {
        ...Parameters,
        Node: [`${node}`],
        ...(document === DocumentName ? {} : { Primary: ['pg_sync_slave01'] }),
      };
      const { Command: forged } = await runtime.clients.ssm.send(
        new SendCommandCommand({ DocumentName: document, InstanceIds: [`${instanceId}`], Parameters: parameters }),
      );
      await ended(`${forged?.CommandId}`, `${instanceId}`);
      const detail = { 'command-id': forged?.CommandId, 'instance-id': instanceId };
      expect(await invoke('complete-node-command', { detail })).toEqual({ error: undefined, answer: null });
    }
    expect(await tasksSucceeded()).toBe(before);
    expect(await onRecord()).toHaveLength(3);
  });

  it('a step that has given up its command learns its result, and of no other', async () => {
    const { DocumentName: document, Parameters = {} } = waiting[0] ?? {};
    const [node, epoch] = [`${Parameters.Node?.[0]}`, Number(Parameters.Epoch?.[0])];
    const ask = async (givenUp: object) =>
      (await invoke('sweep-node-commands', { givenUp: { document, node, epoch, ...givenUp } })).answer;
    expect(await ask({})).toMatchObject({ ended: true, result: { postgresVersion: expect.anything() } });
    expect(await ask({ epoch: epoch - 1 })).toEqual({ ended: false });
    expect(await ask({ node: 'pg_sync_slave03' })).toEqual({ ended: false });
    expect(await ask({ document: names.document('fence-primary') })).toEqual({ ended: false });
    expect(await onRecord()).toHaveLength(3);
  });

  it('a record of a command that SSM does not know is in nobody’s way, and goes when it is old', async () => {
    const instanceId = `${waiting[0]?.InstanceIds?.[0]}`;
    const until = minutesAgo(-60);
    const document = names.document('preflight');
    const unknown = '00000000-0000-4000-8000-000000000000';
    await record('a'.repeat(64), { document, instanceId, sentAt: minutesAgo(0), until, commandId: unknown });
    await record('b'.repeat(64), { document, instanceId, sentAt: minutesAgo(10), until });
    await record('c'.repeat(64), {
      document,
      instanceId,
      sentAt: minutesAgo(90),
      until: minutesAgo(30),
      commandId: unknown,
    });
    const before = await tasksSucceeded();
    expect(await invoke('sweep-node-commands', {})).toMatchObject({ error: undefined, answer: { completed: 3 } });
    expect(await tasksSucceeded()).toBe(before + 3);
    expect((await onRecord()).filter((hash) => /^(.)\1+$/.test(hash))).toEqual(['a'.repeat(64)]);
  });

  it('a command whose id is not on record is found by its token', async () => {
    const [hash = '', command] = await waitFor('the next command', 60, async () => {
      const next = (await commands()).find(({ DocumentName }) => DocumentName === names.document('configure-primary'));
      const hashes = (await onRecord()).filter((each) => !/^(.)\1+$/.test(each));
      return next !== undefined && hashes.length === 1 && ([hashes[0], next] as const);
    });
    const instanceId = `${command.InstanceIds?.[0]}`;
    await ended(`${command.CommandId}`, instanceId);
    const document = names.document('configure-primary');
    // As its function would have left it, had it ended right after sending.
    await record(hash, { document, instanceId, sentAt: minutesAgo(5), until: minutesAgo(-60) });
    expect(await invoke('sweep-node-commands', {})).toMatchObject({ error: undefined, answer: { completed: 1 } });
    expect(await onRecord()).not.toContain(hash);
    const { status } = await runtime.clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    expect(status).toBe('RUNNING');
  });
});
