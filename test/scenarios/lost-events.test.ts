/** SSM's status events are best effort: with every one of them lost, the sweep completes the steps. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
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
}, 240_000);
