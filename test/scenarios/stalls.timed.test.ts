/**
 * How long an application that writes waits for what happens in its cluster: no longer, by far, than the machine itself
 * keeps writes waiting at the same time, and than what happens is meant to take. The times are printed.
 */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunbookName } from '../../lambdas/contract/names.ts';
import { dataDirectoryOf } from '../../local/client/host-access.ts';
import { startPostgres, stopPostgres } from '../../local/client/host-power.ts';
import { LedgerWriter, makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { runRunbook } from '../../local/client/runbook-run.ts';
import { longestPause } from '../../local/client/stalls.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Writer } from '../../local/client/writer.ts';
import { notesCluster } from '../support/clusters.ts';
import { hang } from '../support/hang.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const rule = 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")';

describe('a write every 100 ms', () => {
  let runtime: LocalRuntime;

  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const run = (runbook: RunbookName, input: object = {}) =>
    runRunbook(runtime.clients, 'pg-sync', runbook, 240, undefined, input);
  const succeed = async (runbook: RunbookName, input: object = {}) => {
    const outcome = await run(runbook, input);
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  };
  const onPrimary = (sql: string, expected: string) => waitForSql(runtime.cluster, node(master), sql, expected, 60);
  const write = () => Writer.start(runtime.cluster, node(master));
  /** Its commits wait for no standby: what it sees is how busy the machine is. */
  const control = () => Writer.start(runtime.cluster, node(master), { waits: false });

  beforeAll(async () => {
    runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
    await succeed('setup');
    await superuserSql(
      runtime.cluster,
      node(master),
      'set synchronous_commit = local; create table bulk as select g, repeat(md5(g::text), 20) as text from generate_series(1, 200000) g',
      60,
    );
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  beforeEach(async () => {
    await onPrimary(
      'select application_name, sync_state from pg_stat_replication order by sync_priority',
      `${slave01}|sync\n${slave02}|potential`,
    );
  });

  it('goes on while a standby is built', async () => {
    // The standby of the first priority loses its data: its clone must not take its place in the list.
    await stopPostgres(runtime.cluster, node(slave01));
    rmSync(dataDirectoryOf(runtime.cluster, node(slave01)), { recursive: true });
    await using writer = await write();
    await using other = await control();
    await succeed('setup');
    const { longestMilliseconds, commits } = await writer.stop();
    const { longestMilliseconds: own } = await other.stop();
    console.log(
      `longest commit ${Math.round(longestMilliseconds)} ms of ${commits} while a standby was built; without standbys ${Math.round(own)} ms`,
    );
    expect(commits).toBeGreaterThan(10);
    expect(longestMilliseconds).toBeLessThan(longestPause(own));
  });

  it('goes on when commits wait for a standby again', async () => {
    const standbys = [node(slave01), node(slave02)];
    await Promise.all(standbys.map((standby) => stopPostgres(runtime.cluster, standby)));
    await succeed('allow-async', { minutes: 60, reason: 'both standbys are being repaired' });
    await makeLedger(runtime.cluster, node(master));
    await using writer = LedgerWriter.start(runtime.cluster);
    await waitFor('rows', 60, () => writer.acknowledged.length > 5);
    writer.takeLongestGap();
    await using other = await control();
    await Promise.all(standbys.map((standby) => startPostgres(runtime.cluster, standby)));
    await onPrimary("select count(*) from pg_stat_replication where state = 'streaming'", '2');
    // Soon the checker would start it; where it has, this one is refused.
    await run('resume-sync');
    await onPrimary('show synchronous_standby_names', rule);
    const rows = writer.acknowledged.length;
    await waitFor('rows that waited', 60, () => writer.acknowledged.length > rows + 5);
    const { from, to } = writer.takeLongestGap();
    const { longestMilliseconds: own } = await other.stop();
    console.log(
      `longest time without an acknowledged row until they waited for a standby again: ${to - from} ms; without standbys ${Math.round(own)} ms`,
    );
    expect(to - from).toBeLessThan(longestPause(own));
  });

  it('waits less than 12 s when the synchronous standby hangs', async () => {
    await using writer = await write();
    await using other = await control();
    {
      using _hanging = hang(runtime.cluster, node(slave01));
      const state = `select sync_state from pg_stat_replication where application_name = '${slave02}'`;
      await onPrimary(state, 'sync');
    }
    const { longestMilliseconds } = await writer.stop();
    console.log(`longest write while the synchronous standby hung: ${(longestMilliseconds / 1000).toFixed(1)} s`);
    const { longestMilliseconds: own } = await other.stop();
    expect(longestMilliseconds).toBeGreaterThan(2000);
    // With PostgreSQL's defaults it is more than a minute.
    expect(longestMilliseconds).toBeLessThan(longestPause(own, 10_000));
  });

  // The last one: afterwards another node is the primary.
  it('is not acknowledged for less than a switchover takes', async () => {
    await makeLedger(runtime.cluster, node(master));
    await using writer = LedgerWriter.start(runtime.cluster);
    await waitFor('rows', 60, () => writer.acknowledged.length > 5);
    writer.takeLongestGap();
    await waitFor('rows before it', 60, () => writer.acknowledged.length > 25);
    const before = writer.takeLongestGap();
    const started = performance.now();
    await succeed('switchover', { to: slave01 });
    const took = performance.now() - started;
    const rows = writer.acknowledged.length;
    await waitFor('rows on the new primary', 60, () => writer.acknowledged.length > rows + 5);
    const { from, to } = writer.takeLongestGap();
    console.log(`longest time without an acknowledged row in a switchover: ${to - from} ms`);
    expect(to - from).toBeLessThan(longestPause(before.to - before.from, took));
  });
});
