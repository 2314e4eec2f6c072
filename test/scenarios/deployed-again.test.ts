/**
 * A stack that was deleted and deployed again over a living cluster: its table and its passwords are new, the hosts and
 * their databases are as they were.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { resourceNames, runbookNames } from '../../lambdas/contract/names.ts';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const clusters = [
  {
    ...notesCluster({ policy: { failover: 'automatic', autoRejoin: true } }),
    monitoring: { checkIntervalSeconds: 5 },
  },
];

const passwordOf = async ({ clients, cluster }: LocalRuntime): Promise<string> => {
  const SecretId = resourceNames(cluster.name).replicationSecret;
  const { SecretString } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
  return (JSON.parse(SecretString ?? '{}') as { password: string }).password;
};

/** One more check, as the queue asks for them. */
async function checkNow({ endpoint, cluster }: LocalRuntime): Promise<unknown> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const lambda = new LambdaClient({ endpoint, region: cluster.network.region, credentials });
  const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: `${cluster.name}-check-cluster` }));
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

it('watches without acting until setup has given the roles their new passwords; then all is as before', async () => {
  const first = await LocalRuntime.start({ clusters });
  const { directory } = first;
  const setup = (runtime: LocalRuntime) => runRunbook(runtime.clients, 'pg-sync', 'setup', 300);
  let former: string;
  try {
    expect(await setup(first)).toMatchObject({ status: 'SUCCEEDED' });
    // Once more: the hosts remember more than one operation.
    expect(await setup(first)).toMatchObject({ status: 'SUCCEEDED' });
    former = await passwordOf(first);
  } finally {
    await first.stop();
  }
  // What goes with a stack.
  for (const part of ['table', 'secrets']) rmSync(join(directory, part), { recursive: true });

  await using runtime = await LocalRuntime.start({ clusters, directory });
  const { clients, cluster } = runtime;
  const primary = nodeNamed(cluster, 'pg_sync_master');
  expect(await passwordOf(runtime)).not.toBe(former);
  // The hosts have booted with the runtime: replication needs no secret.
  await waitForSql(cluster, primary, "select count(*) from pg_stat_replication where state = 'streaming'", '2', 60);

  // Now nobody can look, which is no reason to do anything.
  for (let check = 0; check < 4; check += 1) {
    expect(await checkNow(runtime)).toMatchObject({ status: expect.not.stringMatching('down'), started: null });
  }

  const again = await setup(runtime);
  expect(again, JSON.stringify(again)).toMatchObject({ status: 'SUCCEEDED' });
  await checkerKnows(clients, 'pg-sync', 'pg_sync_master');
  await superuserSql(
    cluster,
    primary,
    'begin; set local synchronous_commit = on; create table after_it_all (); commit',
  );
  // Whatever the checks saw meanwhile, they started nothing.
  for (const runbook of runbookNames.filter((name) => name !== 'setup')) {
    const arn = `arn:aws:states:us-east-1:000000000000:stateMachine:${resourceNames('pg-sync').runbook(runbook)}`;
    const { executions } = await clients.sfn.send(new ListExecutionsCommand({ stateMachineArn: arn }));
    expect(executions).toEqual([]);
  }
});
