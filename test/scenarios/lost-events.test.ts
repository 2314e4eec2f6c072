/**
 * SSM's status events are best effort: with every one of them lost, the sweep completes the steps. And what became of the
 * commands of a setup.
 */
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { ListCommandsCommand } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

it('finishes setup by sweeping alone', async () => {
  await using runtime = await LocalRuntime.start({ clusters: [notesCluster()], args: ['--drop-events'] });
  const { clients, cluster, endpoint } = runtime;
  const executionArn = await startRunbook(clients, cluster.name, 'setup');
  const lambda = new LambdaClient({
    endpoint,
    region: cluster.network.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  // The schedule comes every minute; the test calls the same function more often.
  const FunctionName = resourceNames(cluster.name).function('sweep-node-commands');
  const status = await waitFor('end of setup', 120, async () => {
    const { FunctionError, Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
    expect(FunctionError, Buffer.from(Payload ?? []).toString()).toBeUndefined();
    const execution = await clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    return execution.status === 'RUNNING' ? null : execution;
  });
  expect(status, JSON.stringify(status)).toMatchObject({ status: 'SUCCEEDED' });

  // No command's end waits for an upload by the agent; a copy shows its progress in the log group itself.
  const { Commands: sent = [] } = await clients.ssm.send(new ListCommandsCommand({}));
  expect(sent.map(({ DocumentName }) => DocumentName)).toContain('pg-sync-take-base-backup');
  // The default version is moved late by an update of the stack.
  expect(new Set(sent.map(({ DocumentVersion }) => DocumentVersion))).toEqual(new Set(['$LATEST']));
  expect(sent.filter((command) => command.CloudWatchOutputConfig?.CloudWatchOutputEnabled === true)).toEqual([]);
  const logGroupName = resourceNames(cluster.name).commandLogGroup;
  for (const { name } of cluster.nodes.slice(1)) {
    const logStreamNamePrefix = `${name}/take-base-backup/`;
    await waitFor(`the end of the copy for ${name} in the log`, 30, async () => {
      const { events = [] } = await clients.logs.send(
        new FilterLogEventsCommand({ logGroupName, logStreamNamePrefix }),
      );
      return events.some(({ message }) => /^base backup of \S+: (\d+) of \1 bytes \(100%\)$/.test(message ?? ''));
    });
  }
});
