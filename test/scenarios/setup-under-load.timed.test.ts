/** A standby is added to a cluster that is in use: nobody who writes may notice. */
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Writer } from '../../local/client/writer.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

it('stalls a 100 ms writer for less than a second while a standby is built', async () => {
  await using runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
  const { cluster, clients } = runtime;
  const primary = nodeNamed(cluster, 'pg_sync_master');
  expect(await runRunbook(clients, cluster.name, 'setup', 240)).toMatchObject({ status: 'SUCCEEDED' });
  await superuserSql(
    cluster,
    primary,
    'set synchronous_commit = local; create table bulk as select g, repeat(md5(g::text), 20) as text from generate_series(1, 200000) g',
    60,
  );

  // The standby of the first priority loses its data: its clone must not take its place in the list.
  const lost = nodeNamed(cluster, 'pg_sync_slave01');
  const postmaster = Number(
    (await superuserSql(cluster, lost, "select (pg_read_file('postmaster.pid'))")).split('\n')[0],
  );
  process.kill(postmaster, 'SIGINT');
  await waitFor('end of the standby', 15, () => {
    try {
      process.kill(postmaster, 0);
      return null;
    } catch {
      return true;
    }
  });
  rmSync(lost.dataDirectory ?? '', { recursive: true });

  const writer = await Writer.start(cluster, primary);
  const outcome = await runRunbook(clients, cluster.name, 'setup', 240);
  const { longestMilliseconds, commits } = await writer.stop();
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  console.log(`longest commit ${Math.round(longestMilliseconds)} ms of ${commits} while a standby was built`);
  expect(commits).toBeGreaterThan(10);
  expect(longestMilliseconds).toBeLessThan(1000);
}, 400_000);
