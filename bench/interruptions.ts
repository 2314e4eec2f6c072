/**
 * `npm run bench:interruptions -- RUNBOOK [kill|stop] [states]`: the runbook is interrupted at each of its steps in turn and
 * started again. `kill` kills the runtime and with it every host; `stop` stops the execution only. Afterwards there must
 * be one primary with every acknowledged row, and the lock must not be in the way.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { paginateGetExecutionHistory, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { type RunbookName, runbookNames } from '../lambdas/contract/names.ts';
import { dataDirectoryOf } from '../local/client/host-access.ts';
import { stopPostgres } from '../local/client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { superuserSql } from '../local/client/node-sql.ts';
import { awaitRunbook, startRunbook } from '../local/client/runbook-run.ts';
import { Campaign, until } from './campaign.ts';

const port = 4660;

type Node = Campaign['cluster']['nodes'][number];

/** What a runbook is started for: makes the trouble, gives the input. */
type Occasion = (campaign: Campaign, primary: Node, standby: Node) => Promise<object>;

/** SIGKILL of the postmaster: the host lives on. */
async function crash({ cluster }: Campaign, node: Node): Promise<void> {
  process.kill(
    Number.parseInt(readFileSync(join(dataDirectoryOf(cluster, node), 'postmaster.pid'), 'utf8'), 10),
    'SIGKILL',
  );
}

const occasions: Partial<Record<RunbookName, Occasion>> = {
  setup: async () => ({}),
  switchover: async (_, __, standby) => ({ to: standby.name }),
  failover: async (campaign, primary) => {
    await crash(campaign, primary);
    return {};
  },
  rejoin: async ({ cluster }, _, standby) => {
    await stopPostgres(cluster, standby);
    return { node: standby.name, allowRebuild: true };
  },
  'allow-async': async ({ cluster }, primary) => {
    for (const node of cluster.nodes) if (node !== primary) await stopPostgres(cluster, node);
    return { minutes: 5, reason: 'campaign' };
  },
};

/** Refusals that say: there is nothing left to do. */
const nothingToDo = new Set(['PrimaryIsHealthy', 'SwitchoverToPrimary', 'NothingToAllow']);

async function statesEntered({ clients }: Campaign, executionArn: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { events } of paginateGetExecutionHistory({ client: clients.sfn }, { executionArn })) {
    for (const { stateEnteredEventDetails } of events ?? []) {
      const name = stateEnteredEventDetails?.name;
      if (name !== undefined && !names.includes(name)) names.push(name);
    }
  }
  return names;
}

/** Every node that does not stream from the primary is brought back. */
async function heal(campaign: Campaign): Promise<Node> {
  const deadline = Date.now() + 30_000;
  let primaries = await campaign.primaries();
  while (primaries.length === 0 && Date.now() < deadline) {
    await pause(200);
    primaries = await campaign.primaries();
  }
  const positions = await Promise.all(
    primaries.map((node) => superuserSql(campaign.cluster, node, 'select pg_walfile_name(pg_current_wal_lsn())')),
  );
  const [primary] = primaries.toSorted((a, b) =>
    (positions[primaries.indexOf(b)] ?? '').localeCompare(positions[primaries.indexOf(a)] ?? ''),
  );
  if (primary === undefined) throw new Error('there is no primary');
  await pause(2000);
  const streaming = await superuserSql(campaign.cluster, primary, 'select application_name from pg_stat_replication');
  for (const node of campaign.cluster.nodes) {
    if (node === primary || streaming.split('\n').includes(node.name)) continue;
    await campaign.bringBack(node);
  }
  await campaign.healthy(primary);
  return primary;
}

const [name = 'failover', how = 'stop', most = '99'] = process.argv.slice(2);
const runbook = runbookNames.find((candidate) => candidate === name);
const occasion = runbook === undefined ? undefined : occasions[runbook];
if (runbook === undefined || occasion === undefined) throw new Error(`no campaign for ${name}`);

const campaign = await Campaign.start(port);
let problems = 0;
const acknowledged: number[] = [];
try {
  let primary = await heal(campaign);
  await makeLedger(campaign.cluster, primary);
  let series = 0;
  /** One run that is interrupted when it enters the state; null: a run that is not. */
  const round = async (state: string | null): Promise<string[]> => {
    const writer = LedgerWriter.start(campaign.cluster, 50, series++ * 1_000_000);
    try {
      await until('rows', 30, () => writer.acknowledged.length > 5);
      // The checker remembers the rule for a failover.
      await pause(7000);
      const standby = campaign.cluster.nodes.find((node) => node !== primary);
      if (standby === undefined) throw new Error('there is no standby');
      const input = await occasion(campaign, primary, standby);
      const execution = await startRunbook(campaign.clients, campaign.cluster.name, runbook, input);
      if (state === null) {
        const outcome = await awaitRunbook(campaign.clients, campaign.cluster.name, execution, 120);
        if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
        return await statesEntered(campaign, execution);
      }
      const deadline = Date.now() + 60_000;
      while (!(await statesEntered(campaign, execution)).includes(state)) {
        if (Date.now() > deadline) throw new Error(`${state} was not entered`);
      }
      if (how === 'kill') await campaign.restartKilled();
      else await campaign.clients.sfn.send(new StopExecutionCommand({ executionArn: execution }));
      const again = await campaign.run(runbook, input);
      const fine = again.status === 'SUCCEEDED' || nothingToDo.has(again.error);
      console.log(
        `${state}: started again: ${again.status === 'SUCCEEDED' ? 'done' : `${again.error}: ${again.cause}`}`,
      );
      if (!fine) problems += 1;
      return [];
    } finally {
      await writer.stop();
      acknowledged.push(...writer.acknowledged);
      primary = await heal(campaign);
      const lost = await missingRows(campaign.cluster, primary, acknowledged);
      if (lost.length > 0) {
        problems += 1;
        console.log(`${state}: ${lost.length} acknowledged rows are lost`);
      }
    }
  };
  const states = (await round(null)).slice(0, Number(most));
  console.log(`${runbook} has ${states.length} steps to be interrupted at (${how})`);
  for (const state of states) await round(state);
  console.log(`${states.length} interruptions, ${acknowledged.length} rows acknowledged, ${problems} problems`);
} finally {
  await campaign.stop();
}
process.exit(problems > 0 ? 1 : 0);
