/** What runbooks are started for in the campaign of interruptions: each makes the trouble that its runbook mends. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunbookName } from '../lambdas/contract/names.ts';
import { dataDirectoryOf, hostPath } from '../local/client/host-access.ts';
import { killPostmaster, startPostgres, stopPostgres } from '../local/client/host-power.ts';
import { superuserSql } from '../local/client/node-sql.ts';
import type { Campaign, Node } from './campaign.ts';

export interface Occasion {
  readonly runbook: RunbookName;
  /** Every round begins with hosts that were never set up. */
  readonly onEmptyHosts?: boolean;
  /** Makes the trouble; gives the runbook's input. */
  readonly arrange: (campaign: Campaign, primary: Node, standby: Node) => Promise<object>;
}

async function stopStandbys({ cluster }: Campaign, primary: Node): Promise<Node[]> {
  const standbys = cluster.nodes.filter((node) => node !== primary);
  for (const node of standbys) await stopPostgres(cluster, node);
  return standbys;
}

/** The primary has WAL that no standby has, and another node is the primary now. */
async function diverge(campaign: Campaign, primary: Node): Promise<void> {
  const { cluster } = campaign;
  const standbys = await stopStandbys(campaign, primary);
  await superuserSql(
    cluster,
    primary,
    'set synchronous_commit = local; create table if not exists fork (id int); insert into fork select generate_series(1, 10000)',
  );
  await killPostmaster(campaign.cluster, primary);
  for (const node of standbys) await startPostgres(cluster, node);
  await campaign.succeed('failover', { allowDataLoss: true, reason: 'campaign: rows that were never acknowledged' });
}

export const occasions: Readonly<Record<string, Occasion>> = {
  'setup of empty hosts': { runbook: 'setup', onEmptyHosts: true, arrange: async () => ({}) },
  'setup of a lost standby': {
    runbook: 'setup',
    arrange: async ({ cluster }, _, standby) => {
      await stopPostgres(cluster, standby);
      const data = hostPath(cluster, standby, dataDirectoryOf(cluster, standby));
      renameSync(data, `${data}.lost`);
      rmSync(`${data}.lost`, { recursive: true });
      return {};
    },
  },
  'rejoin by start': {
    runbook: 'rejoin',
    arrange: async ({ cluster }, _, standby) => {
      await stopPostgres(cluster, standby);
      return { node: standby.name };
    },
  },
  'rejoin by rewind': {
    runbook: 'rejoin',
    arrange: async (campaign, primary) => {
      await diverge(campaign, primary);
      return { node: primary.name, allowRebuild: true };
    },
  },
  'rejoin by rebuild': {
    runbook: 'rejoin',
    arrange: async ({ cluster }, _, standby) => {
      await stopPostgres(cluster, standby);
      const data = hostPath(cluster, standby, dataDirectoryOf(cluster, standby));
      writeFileSync(join(data, 'global/pg_control'), Buffer.alloc(8192, 'x'));
      return { node: standby.name, allowRebuild: true };
    },
  },
  switchover: { runbook: 'switchover', arrange: async (_, __, standby) => ({ to: standby.name }) },
  failover: {
    runbook: 'failover',
    arrange: async (campaign, primary) => {
      await killPostmaster(campaign.cluster, primary);
      return {};
    },
  },
  'allow-async': {
    runbook: 'allow-async',
    arrange: async (campaign, primary) => {
      await stopStandbys(campaign, primary);
      return { minutes: 5, reason: 'campaign' };
    },
  },
  'resume-sync': {
    runbook: 'resume-sync',
    arrange: async (campaign, primary) => {
      await stopStandbys(campaign, primary);
      await campaign.succeed('allow-async', { minutes: 5, reason: 'campaign' });
      return { blockWrites: true };
    },
  },
};
