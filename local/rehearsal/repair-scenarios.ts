/**
 * The repairs after the notes' incidents: failover of a crashed primary and its return, a standby whose WAL is gone,
 * switchover and back. An application writes all the while and knows which rows were acknowledged: none may be missing.
 */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { RunbookName } from '../../lambdas/contract/names.ts';
import { slotName } from '../../lambdas/contract/slot-name.ts';
import { stopPostgres } from '../client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../client/ledger.ts';
import { nodeNamed, primariesOf, superuserSql, waitForSql } from '../client/node-sql.ts';
import { runRunbook } from '../client/runbook-run.ts';
import { longestPause } from '../client/stalls.ts';
import { waitFor } from '../client/wait-for.ts';
import { check, type RehearsalContext, type Scenario } from './context.ts';

/** A runbook that takes longer is in trouble. */
const runbookLimitSeconds = 180;

/** What PostgreSQL does by itself, and what an application then sees, has happened by then or does not happen. */
const settlingSeconds = 30;

/** What applications may notice: `pause` while there is no primary, for no longer than that takes to be repaired. */
type Noticed = 'pause' | 'nothing';

/** Runs a runbook to its success, and shows what it says it has done. */
async function run(context: RehearsalContext, runbook: RunbookName, input: object): Promise<Record<string, unknown>> {
  const { cluster, clients, patience, show, tell } = context;
  const outcome = await runRunbook(clients, cluster.name, runbook, patience * runbookLimitSeconds, tell, input);
  check(outcome.status === 'SUCCEEDED', `${runbook} to succeed`, outcome);
  const { output, seconds } = outcome;
  const lines = [output.summary, output.replication].filter(Array.isArray).map((part) => part.join('\n'));
  show(`${lines.join('\n\n')}\n\n${runbook} took ${seconds.toFixed(1)} s`);
  return output;
}

/** The node that accepts writes. */
async function primaryOf({ cluster }: RehearsalContext): Promise<ClusterNode> {
  const primaries = await primariesOf(cluster);
  const [primary] = primaries;
  check(
    primary !== undefined && primaries.length === 1,
    'one primary',
    primaries.map(({ name }) => name),
  );
  return primary;
}

/**
 * Has an application write while something happens; afterwards every acknowledged row must be on the primary.
 *
 * The longest time without one is judged by what the writer saw just before, and by how long the work took.
 */
async function underLoad(context: RehearsalContext, work: () => Promise<void>, noticed: Noticed): Promise<void> {
  const { cluster, patience, show } = context;
  await makeLedger(cluster, await primaryOf(context));
  const writer = LedgerWriter.start(cluster, 100, Date.now());
  let [control, workMilliseconds] = [0, 0];
  try {
    await waitFor('the first rows', settlingSeconds, () => writer.acknowledged.length > 5);
    writer.takeLongestGap();
    await waitFor('rows before it', settlingSeconds, () => writer.acknowledged.length > 25);
    control = gapOf(writer);
    const started = performance.now();
    await work();
    workMilliseconds = performance.now() - started;
    const rows = writer.acknowledged.length;
    await waitFor('rows on the primary', patience * settlingSeconds, () => writer.acknowledged.length > rows + 5);
  } finally {
    await writer.stop();
  }
  const longest = gapOf(writer);
  const missing = await missingRows(cluster, await primaryOf(context), writer.acknowledged);
  check(missing.length === 0, 'every acknowledged row to be there', missing);
  show(
    `${writer.acknowledged.length} rows acknowledged, 0 missing; longest time without one ${seconds(longest)}, before it ${seconds(control)}`,
  );
  // An application that lost its primary tries to connect for a while before it finds the next one.
  const limit = longestPause(control, noticed === 'pause' ? workMilliseconds + 5000 : 3000);
  check(longest < limit, `writes to stall for less than ${seconds(limit)}`, seconds(longest));
}

/** Longest time without an acknowledged row since it was last asked for, in milliseconds. */
function gapOf(writer: LedgerWriter): number {
  const { from, to } = writer.takeLongestGap();
  return to - from;
}

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;

/** Waits until every other node streams, in the order of the configuration. */
async function allStream({ cluster, patience }: RehearsalContext, primary: ClusterNode): Promise<void> {
  const [first, ...rest] = cluster.nodes.filter(({ name }) => name !== primary.name);
  const expected = [`${first?.name} sync`, ...rest.map(({ name }) => `${name} potential`)].join('\n');
  await waitForSql(
    cluster,
    primary,
    "select application_name || ' ' || sync_state from pg_stat_replication where state = 'streaming' order by sync_priority",
    expected,
    patience * settlingSeconds,
  );
}

/** Reads the mails that have come so far, and shows what they said. */
async function showMails({ mailbox, show }: RehearsalContext): Promise<void> {
  const mails = [...(await mailbox.notices()), ...(await mailbox.unread())].toSorted((a, b) =>
    a.file.localeCompare(b.file),
  );
  if (mails.length > 0) show(['mails meanwhile:', ...mails.map(({ subject }) => `  ${subject}`)].join('\n'));
}

let formerPrimary: ClusterNode | undefined;

const crash: Scenario = {
  id: 'failover',
  title: 'The primary’s host loses its power under load: failover, no acknowledged row is lost',
  run: async (context) => {
    const { clients } = context;
    const former = await primaryOf(context);
    formerPrimary = former;
    await underLoad(
      context,
      async () => {
        await clients.ec2.send(new StopInstancesCommand({ InstanceIds: [former.instanceId], SkipOsShutdown: true }));
        const output = await run(context, 'failover', {});
        check(output.primary !== former.name, 'another primary', output.primary);
      },
      'pause',
    );
    await showMails(context);
  },
};

const oldPrimaryReturns: Scenario = {
  id: 'rewind',
  title: 'The former primary comes back as if nothing had happened: rejoin stops it, keeps its WAL and rewinds it',
  run: async (context) => {
    const { clients, cluster, patience } = context;
    const former = formerPrimary ?? nodeNamed(cluster, cluster.nodes[0]?.name ?? '');
    await underLoad(
      context,
      async () => {
        await clients.ec2.send(new StartInstancesCommand({ InstanceIds: [former.instanceId] }));
        await waitForSql(cluster, former, 'select pg_is_in_recovery()', 'f', patience * settlingSeconds);
        const output = await run(context, 'rejoin', { node: former.name });
        check(output.method === 'rewind', 'a rewind', output.method);
      },
      'nothing',
    );
    await allStream(context, await primaryOf(context));
    await showMails(context);
  },
};

const walIsGone: Scenario = {
  id: 'rebuild',
  title: 'The WAL that a standby needs is gone: rejoin rebuilds it beside its old data',
  run: async (context) => {
    const { cluster } = context;
    const primary = await primaryOf(context);
    const standby = cluster.nodes.findLast(({ name }) => name !== primary.name);
    if (standby === undefined) throw new RangeError('a cluster has at least two nodes');
    await stopPostgres(cluster, standby);
    const keep = Number.parseInt(await superuserSql(cluster, primary, 'show server_version_num'), 10) >= 130_000;
    const setting = keep ? 'wal_keep_size' : 'wal_keep_segments';
    const configured = await superuserSql(cluster, primary, `show ${setting}`);
    const sql = (statement: string) => superuserSql(cluster, primary, `set synchronous_commit = local; ${statement}`);
    await waitFor('its slot to be free', settlingSeconds, async () => {
      const slot = `select active from pg_replication_slots where slot_name = '${slotName(standby.name)}'`;
      return (await superuserSql(cluster, primary, slot)) === 'f';
    });
    await sql(`select pg_drop_replication_slot('${slotName(standby.name)}')`);
    await superuserSql(cluster, primary, `alter system set ${setting} = 0`);
    await superuserSql(cluster, primary, 'select pg_reload_conf()');
    for (let i = 0; i < 4; i++) {
      await sql('create table if not exists filler (n int); insert into filler values (1); select pg_switch_wal()');
    }
    await superuserSql(cluster, primary, 'checkpoint');
    await superuserSql(cluster, primary, `alter system set ${setting} = '${configured}'`);
    await superuserSql(cluster, primary, 'select pg_reload_conf()');
    await underLoad(
      context,
      async () => {
        const output = await run(context, 'rejoin', { node: standby.name });
        check(output.method === 'rebuild', 'a rebuild', output.method);
      },
      'nothing',
    );
    await allStream(context, primary);
    await showMails(context);
  },
};

const switchover: Scenario = {
  id: 'switchover',
  title: 'Switchover to a standby and back, under load',
  run: async (context) => {
    const { cluster } = context;
    const primary = await primaryOf(context);
    const target = cluster.nodes.find(({ name }) => name !== primary.name);
    if (target === undefined) throw new RangeError('a cluster has at least two nodes');
    for (const to of [target, primary]) {
      await underLoad(context, async () => void (await run(context, 'switchover', { to: to.name })), 'pause');
      check((await primaryOf(context)).name === to.name, `${to.name} to be the primary`, await primaryOf(context));
      await allStream(context, to);
    }
    await showMails(context);
  },
};

/** In the order in which they are rehearsed, after the incidents. */
export const repairScenarios: readonly Scenario[] = [crash, oldPrimaryReturns, walIsGone, switchover];
