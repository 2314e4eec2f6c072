/**
 * The notes' incidents (S7 to S10): what an operator is woken for, with a writer running all the while. Each says how
 * long writes stalled, how soon the alert came, and that there was one alert and one recovery notice and no more.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { LocalCluster } from '../client/host-access.ts';
import { startPostgres, stopPostgres } from '../client/host-power.ts';
import type { Mail } from '../client/mailbox.ts';
import { superuserSql, waitForSql } from '../client/node-sql.ts';
import { longestPause } from '../client/stalls.ts';
import { Writer } from '../client/writer.ts';
import { check, type RehearsalContext, type Scenario } from './context.ts';

/** Beyond the check interval: a mail that has not come by then does not come. */
const alertMarginSeconds = 12;

/** PostgreSQL does this by itself, at once; later than this it has not. */
const settlingSeconds = 15;

const synchronous =
  "select application_name || ' ' || sync_state from pg_stat_replication order by sync_priority, application_name";

function nodesOf(cluster: LocalCluster): { primary: ClusterNode; standbys: ClusterNode[] } {
  const [primary, ...standbys] = cluster.nodes;
  if (primary === undefined) throw new RangeError('a cluster has at least two nodes');
  return { primary, standbys };
}

/** Waits for mails, shows them, and fails if there is more than one or it does not say what it must. */
async function expectMail(context: RehearsalContext, what: string, words: RegExp[]): Promise<Mail> {
  const { cluster, mailbox, patience, show, tell } = context;
  tell(`waiting for the mail: ${what}`);
  const started = performance.now();
  const mails = await mailbox.next(what, cluster.monitoring.checkIntervalSeconds + patience * alertMarginSeconds);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const [mail] = mails;
  check(
    mail !== undefined && mails.length === 1,
    `one mail (${what})`,
    mails.map(({ subject }) => subject),
  );
  show(`mail after ${seconds} s: ${mail.subject}\n\n${mail.text.trimEnd().replace(/^/gm, '  ')}\n`);
  for (const word of words) check(word.test(`${mail.subject}\n${mail.text}`), `${word} in the mail`, mail.subject);
  return mail;
}

async function withWriter<T>(
  { cluster }: RehearsalContext,
  work: (writer: Writer, control: Writer) => Promise<T>,
): Promise<T> {
  const { primary } = nodesOf(cluster);
  await using writer = await Writer.start(cluster, primary);
  // Waits for no standby: what it sees is how busy the machine is.
  await using control = await Writer.start(cluster, primary, { waits: false });
  return await work(writer, control);
}

/** Writes must not have stalled for longer than the machine itself did, by far. */
function checkWrites({ show }: RehearsalContext, writer: Writer, control: Writer): void {
  const [{ longestMilliseconds: longest, commits }, own] = [writer.report(), control.report().longestMilliseconds];
  const limit = Math.round(longestPause(own));
  show(
    `longest write ${Math.round(longest)} ms of ${commits}; of those that wait for no standby ${Math.round(own)} ms`,
  );
  check(longest < limit, `no write to stall for ${limit} ms`, `${Math.round(longest)} ms`);
}

const standbyStops: Scenario = {
  id: 'S7',
  title: 'The synchronous standby stops: the next takes over, writes go on, one alert says both',
  run: (context) =>
    withWriter(context, async (writer, control) => {
      const { cluster } = context;
      const { primary, standbys } = nodesOf(cluster);
      const [first, second] = standbys;
      if (first === undefined || second === undefined) throw new RangeError('S7 needs two standbys');
      writer.report();
      control.report();
      await stopPostgres(cluster, first);
      await waitForSql(cluster, primary, synchronous, `${second.name} sync`, settlingSeconds);
      await expectMail(context, `${first.name} stopped`, [new RegExp(first.name), new RegExp(second.name)]);
      checkWrites(context, writer, control);
    }),
};

const standbyReturns: Scenario = {
  id: 'S8',
  title: 'It comes back: synchronous again, one recovery notice',
  run: (context) =>
    withWriter(context, async (writer, control) => {
      const { cluster } = context;
      const { primary, standbys } = nodesOf(cluster);
      const [first, second] = standbys;
      if (first === undefined || second === undefined) throw new RangeError('S8 needs two standbys');
      writer.report();
      control.report();
      await startPostgres(cluster, first);
      await waitForSql(cluster, primary, synchronous, `${first.name} sync\n${second.name} potential`, settlingSeconds);
      await expectMail(context, 'recovery', [/recovered/i]);
      checkWrites(context, writer, control);
    }),
};

const primaryRestarts: Scenario = {
  id: 'S9',
  title: 'The primary stops and starts again: both standbys reconnect by themselves',
  async run(context) {
    const { cluster } = context;
    const { primary, standbys } = nodesOf(cluster);
    await stopPostgres(cluster, primary);
    await expectMail(context, 'primary down', [/primary/i, new RegExp(primary.name)]);
    await startPostgres(cluster, primary);
    const [first, second] = standbys;
    await waitForSql(cluster, primary, synchronous, `${first?.name} sync\n${second?.name} potential`, settlingSeconds);
    await expectMail(context, 'recovery', [/recovered/i]);
  },
};

const allStandbysStop: Scenario = {
  id: 'S10',
  title:
    'All standbys stop: reads work, writes block, a critical alert says how many and since when; any one unblocks them',
  run: (context) =>
    withWriter(context, async (writer) => {
      const { cluster, show } = context;
      const { primary, standbys } = nodesOf(cluster);
      await Promise.all(standbys.map((standby) => stopPostgres(cluster, standby)));
      const reads = await superuserSql(cluster, primary, 'select count(*) > 0 from written');
      check(reads === 't', 'reads to work', reads);
      await expectMail(context, 'writes blocked', [/CRITICAL/, /block/i, /1 session|sessions/i]);
      const blocked = writer.report();
      check(blocked.longestMilliseconds > 1000, 'writes to block', `${Math.round(blocked.longestMilliseconds)} ms`);

      const [first, second] = standbys;
      if (first === undefined || second === undefined) throw new RangeError('S10 needs two standbys');
      await startPostgres(cluster, second);
      await waitForSql(
        cluster,
        primary,
        'select count(*) from pg_stat_activity where wait_event = $$SyncRep$$ and state_change < now() - interval $$1 s$$',
        '0',
        settlingSeconds,
      );
      await expectMail(context, 'writes flow again', [new RegExp(first.name)]);
      await startPostgres(cluster, first);
      await waitForSql(cluster, primary, synchronous, `${first.name} sync\n${second.name} potential`, settlingSeconds);
      await expectMail(context, 'recovery', [/recovered/i]);
      show(`writes were blocked for ${(writer.report().longestMilliseconds / 1000).toFixed(1)} s at the longest`);
    }),
};

const silence: Scenario = {
  id: 'quiet',
  title: 'Three more checks of the healthy cluster send nothing',
  async run({ cluster, mailbox }) {
    await pause(3 * cluster.monitoring.checkIntervalSeconds * 1000);
    const mails = await mailbox.unread();
    check(
      mails.length === 0,
      'no mail',
      mails.map(({ subject }) => subject),
    );
  },
};

/** In the order in which they are rehearsed, after setup. */
export const nightScenarios: readonly Scenario[] = [
  standbyStops,
  standbyReturns,
  primaryRestarts,
  allStandbysStop,
  silence,
];
