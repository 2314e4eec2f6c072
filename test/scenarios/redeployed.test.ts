/** A stack that was destroyed and deployed again: its table is new, and its hosts remember the former one's operations. */
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { resourceNames, stateItems } from '../../lambdas/contract/names.ts';
import { stopPostgres } from '../../local/client/host-power.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

it('goes on with the same hosts', async () => {
  await using runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
  const { clients, cluster } = runtime;
  const run = (runbook: 'setup' | 'rejoin', input: object = {}) =>
    runRunbook(clients, cluster.name, runbook, 240, undefined, input);
  for (const _ of ['first', 'second']) expect(await run('setup')).toMatchObject({ status: 'SUCCEEDED' });
  for (const id of Object.values(stateItems)) {
    await clients.dynamodb.send(
      new DeleteItemCommand({ TableName: resourceNames(cluster.name).stateTable, Key: { id: { S: id } } }),
    );
  }
  const again = await run('setup');
  expect(again, JSON.stringify(again)).toMatchObject({ status: 'SUCCEEDED' });
  await stopPostgres(cluster, nodeNamed(cluster, 'pg_sync_slave01'));
  const rejoined = await run('rejoin', { node: 'pg_sync_slave01' });
  expect(rejoined, JSON.stringify(rejoined)).toMatchObject({ status: 'SUCCEEDED', output: { method: 'start' } });
});
