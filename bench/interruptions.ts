/**
 * `npm run bench:interruptions -- [kill|stop] [occasions…]`: each runbook is interrupted at each of its steps in turn and
 * started again. `kill` kills the runtime and with it every host; `stop` stops the execution only. Afterwards there must
 * be one primary with every acknowledged row, all standbys stream, and the lock must not be in the way.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { DescribeExecutionCommand, paginateGetExecutionHistory, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { Argument, Command } from 'commander';
import type { RunbookName } from '../lambdas/contract/names.ts';
import { checkerKnows } from '../local/client/checker-state.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { primariesOf, superuserSql } from '../local/client/node-sql.ts';
import { awaitRunbook, type RunbookOutcome, startRunbook } from '../local/client/runbook-run.ts';
import { waitFor } from '../local/client/wait-for.ts';
import { Campaign, type Node } from './campaign.ts';
import { type Occasion, occasions } from './occasions.ts';
import { printTable } from './table.ts';

type How = 'kill' | 'stop';

/** Refusals that say: there is nothing left to do. */
const nothingToDo: ReadonlySet<string> = new Set([
  'PrimaryIsHealthy',
  'SwitchoverToPrimary',
  'NothingToAllow',
  'NothingToResume',
]);

/** Refusals while hosts that have just booted are not all there yet. */
const notYet: ReadonlySet<string> = new Set([
  'NoPrimary',
  'StandbyNotSynchronous',
  'ClusterNotHealthy',
  'HostUnreachable',
]);

/** Until then a person who is refused so tries again. */
const patienceMilliseconds = 30_000;

/** How long a cluster may take to be whole by itself before nodes are brought back by runbooks. */
const settleMilliseconds = 5000;

/** What became of one interruption. */
interface Round {
  readonly step: string;
  readonly again: string;
  readonly acknowledged: number;
  readonly problems: readonly string[];
}

/** Steps that do something (tasks), in the order in which they were first entered. */
async function stepsEntered({ clients }: Campaign, executionArn: string): Promise<string[]> {
  const names = new Set<string>();
  for await (const { events } of paginateGetExecutionHistory({ client: clients.sfn }, { executionArn })) {
    for (const { type, stateEnteredEventDetails: entered } of events ?? []) {
      if (type === 'TaskStateEntered' && entered?.name !== undefined) names.add(entered.name);
    }
  }
  return [...names];
}

/** Waits until the step is entered; false when the execution ended without it. */
async function entered(campaign: Campaign, executionArn: string, step: string): Promise<boolean> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { status } = await campaign.clients.sfn.send(new DescribeExecutionCommand({ executionArn }));
    if ((await stepsEntered(campaign, executionArn)).includes(step)) return true;
    if (status !== 'RUNNING') return false;
    if (Date.now() > deadline) throw new Error(`${step} was not entered within 60 s`);
    await pause(5);
  }
}

/** The primary of the newest timeline: a former one may be up beside it until it rejoins. */
async function newestPrimary({ cluster }: Campaign): Promise<Node> {
  const primaries = await waitFor('a primary', 30, async () => {
    const seen = await primariesOf(cluster);
    return seen.length > 0 && seen;
  });
  const positions = await Promise.all(
    primaries.map(async (node) => ({
      node,
      position: await superuserSql(cluster, node, 'select pg_walfile_name(pg_current_wal_lsn())'),
    })),
  );
  const [newest] = positions.toSorted((a, b) => b.position.localeCompare(a.position));
  if (newest === undefined) throw new RangeError('there is no primary');
  return newest.node;
}

/** Every node that does not stream from the primary is brought back. */
async function heal(campaign: Campaign): Promise<Node> {
  const primary = await newestPrimary(campaign);
  try {
    await campaign.healthy(primary, settleMilliseconds / 1000);
  } catch {
    const streaming = await superuserSql(campaign.cluster, primary, 'select application_name from pg_stat_replication');
    for (const node of campaign.cluster.nodes) {
      if (node !== primary && !streaming.split('\n').includes(node.name)) await campaign.bringBack(node);
    }
  }
  await campaign.healthy(primary);
  return primary;
}

/** The runbook once: interrupted when it enters the step and started again, or whole where there is none. */
async function once(
  campaign: Campaign,
  { runbook, arrange }: Occasion,
  how: How,
  step: string | null,
  nodes: { readonly primary: Node; readonly standby: Node },
): Promise<{ steps: string[]; again: string; problem: string | null }> {
  const input = await arrange(campaign, nodes.primary, nodes.standby);
  const execution = await startRunbook(campaign.clients, campaign.cluster.name, runbook, input);
  if (step === null) {
    const outcome = await awaitRunbook(campaign.clients, campaign.cluster.name, execution, 120);
    if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
    return { steps: await stepsEntered(campaign, execution), again: '', problem: null };
  }
  if (!(await entered(campaign, execution, step))) return { steps: [], again: 'not entered this time', problem: null };
  if (how === 'kill') await campaign.restartKilled();
  else await campaign.clients.sfn.send(new StopExecutionCommand({ executionArn: execution }));
  const outcome = await startAgain(campaign, runbook, input);
  if (outcome.status === 'SUCCEEDED') return { steps: [], again: 'done', problem: null };
  const again = outcome.error;
  return { steps: [], again, problem: nothingToDo.has(again) ? null : `${again}: ${outcome.cause}` };
}

async function startAgain(campaign: Campaign, runbook: RunbookName, input: object): Promise<RunbookOutcome> {
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    const outcome = await campaign.run(runbook, input);
    if (outcome.status === 'SUCCEEDED' || !notYet.has(outcome.error) || Date.now() > deadline) return outcome;
    await pause(1000);
  }
}

/** A cluster that is interrupted again and again. */
class Interruptions {
  readonly #campaign: Campaign;
  readonly #occasion: Occasion;
  readonly #how: How;
  readonly #acknowledged: number[] = [];
  #series = 0;

  constructor(campaign: Campaign, occasion: Occasion, how: How) {
    this.#campaign = campaign;
    this.#occasion = occasion;
    this.#how = how;
  }

  async round(step: string | null): Promise<Round & { readonly steps: string[] }> {
    const { cluster } = this.#campaign;
    const primary = await heal(this.#campaign);
    const standby = cluster.nodes.find((node) => node !== primary);
    if (standby === undefined) throw new Error('the cluster has no standby');
    await makeLedger(cluster, primary);
    const writer = LedgerWriter.start(cluster, 50, this.#series++ * 1_000_000);
    try {
      await waitFor('rows', 30, () => writer.acknowledged.length > 5);
      await checkerKnows(this.#campaign.clients, cluster.name, primary.name);
      const { steps, again, problem } = await once(this.#campaign, this.#occasion, this.#how, step, {
        primary,
        standby,
      });
      const healed = await heal(this.#campaign);
      await writer.stop();
      this.#acknowledged.push(...writer.acknowledged);
      const lost = await missingRows(cluster, healed, this.#acknowledged);
      const problems = [problem, lost.length > 0 ? `${lost.length} acknowledged rows are lost` : null];
      return {
        step: step ?? '',
        steps,
        again,
        acknowledged: writer.acknowledged.length,
        problems: problems.filter((each) => each !== null),
      };
    } finally {
      await writer.stop();
    }
  }
}

/** Hosts that were never set up, anew for each step. */
async function roundOnEmptyHosts(
  occasion: Occasion,
  how: How,
  step: string | null,
): Promise<Round & { steps: string[] }> {
  const campaign = await Campaign.start({ setUp: false });
  try {
    const [primary, standby] = campaign.cluster.nodes;
    if (primary === undefined || standby === undefined) throw new Error('the cluster has too few nodes');
    const { steps, again, problem } = await once(campaign, occasion, how, step, { primary, standby });
    if (problem === null) await campaign.healthy(primary, settleMilliseconds / 1000);
    return { step: step ?? '', steps, again, acknowledged: 0, problems: problem === null ? [] : [problem] };
  } finally {
    await campaign.stop();
  }
}

/** All steps of one runbook; the rounds, in their order. */
async function interrupt(title: string, occasion: Occasion, how: How): Promise<Round[]> {
  const rounds: Round[] = [];
  const everyStep = async (round: (step: string | null) => Promise<Round & { steps: string[] }>) => {
    const { steps } = await round(null);
    console.log(`${title}: ${steps.length} steps, ${how} at each`);
    for (const step of steps) {
      const result = await round(step);
      rounds.push(result);
      console.log(`  ${step}: started again: ${result.again}`);
      for (const problem of result.problems) console.log(`  PROBLEM ${problem}`);
    }
  };
  if (occasion.onEmptyHosts === true) {
    await everyStep((step) => roundOnEmptyHosts(occasion, how, step));
    return rounds;
  }
  const campaign = await Campaign.start();
  try {
    const interruptions = new Interruptions(campaign, occasion, how);
    await everyStep((step) => interruptions.round(step));
    return rounds;
  } finally {
    await campaign.stop();
  }
}

const command = new Command('bench:interruptions')
  .description('Interrupts runbooks at each of their steps and starts them again')
  .addArgument(new Argument('how', 'what is interrupted').choices(['kill', 'stop']).default('kill').argOptional())
  .addArgument(
    new Argument('[occasions...]', 'what the runbooks are started for; all when omitted').choices(
      Object.keys(occasions),
    ),
  )
  .parse();
const [how, chosen] = command.processedArgs as [How, string[] | undefined];
const rows: (string | number)[][] = [];
let problems = 0;
for (const [title, occasion] of Object.entries(occasions)) {
  if (chosen !== undefined && chosen.length > 0 && !chosen.includes(title)) continue;
  const rounds = await interrupt(title, occasion, how);
  const found = rounds.flatMap((round) => round.problems).length;
  const acknowledged = rounds.reduce((sum, round) => sum + round.acknowledged, 0);
  rows.push([title, rounds.length, acknowledged, found]);
  problems += found;
}
printTable([`${how} at each step of`, 'interruptions', 'rows acknowledged', 'problems'], rows, 0);
process.exit(problems > 0 ? 1 : 0);
