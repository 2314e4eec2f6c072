/** A new cluster whose primary dies before the checker has made a check of its own. */
import { expect, it } from 'vitest';
import { stopHost } from '../../local/client/control.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

it('fails over right after setup, also when that ended in maintenance', async () => {
  const monitoring = { checkIntervalSeconds: 60 };
  await using runtime = await LocalRuntime.start({ clusters: [{ ...notesCluster(), monitoring }] });
  const { clients, cluster, endpoint } = runtime;
  const run = (runbook: 'setup' | 'failover' | 'maintenance', input: object) =>
    runRunbook(clients, cluster.name, runbook, 240, undefined, input);
  const maintenance = await run('maintenance', { minutes: 60, reason: 'a new cluster' });
  expect(maintenance).toMatchObject({ status: 'SUCCEEDED' });
  expect(await run('setup', {})).toMatchObject({ status: 'SUCCEEDED' });
  await stopHost(endpoint, 'pg_sync_master', 'off');
  const outcome = await run('failover', {});
  expect(outcome, JSON.stringify(outcome)).toMatchObject({
    status: 'SUCCEEDED',
    output: { formerPrimary: 'pg_sync_master' },
  });
});
