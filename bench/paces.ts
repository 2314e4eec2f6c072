/**
 * What people wait for, at this machine's own pace and at AWS's, side by side and from the same run: setup, rejoin,
 * switchover, failovers, and the mail about a fault.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { resourceNames } from '../lambdas/contract/names.ts';
import { coolFunctions, setLatency, stopHost } from '../local/client/control.ts';
import { killPostmaster, startPostgres, stopPostgres } from '../local/client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../local/client/ledger.ts';
import { Mailbox } from '../local/client/mailbox.ts';
import { primariesOf } from '../local/client/node-sql.ts';
import type { HostKind } from '../local/hosts/hosting.ts';
import type { Latency } from '../local/pace/pace.ts';
import { Campaign, type Node } from './campaign.ts';
import { median } from './measure.ts';
import { printTable } from './table.ts';

const paces: readonly Latency[] = ['none', 'aws'];

/** Functions that never rest, so that their instances are warm whenever something happens. */
const alwaysWarm = ['check-cluster', 'observe-cluster', 'schedule-checks', 'sweep-node-commands'] as const;

/** Seconds by what was measured and at which pace. */
class Figures {
  readonly #seconds = new Map<string, Map<Latency, number[]>>();

  note(what: string, pace: Latency, seconds: number): void {
    const byPace = this.#seconds.get(what) ?? new Map<Latency, number[]>();
    this.#seconds.set(what, byPace.set(pace, [...(byPace.get(pace) ?? []), seconds]));
    console.error(`${pace}: ${what}: ${seconds.toFixed(1)} s`);
  }

  print(): void {
    const cells = (all: readonly number[] = []) =>
      all.length === 0 ? ['-', '-'] : [median(all).toFixed(1), Math.max(...all).toFixed(1)];
    printTable(
      ['seconds', 'times', 'local pace: median', 'longest', 'AWS’s pace: median', 'longest'],
      [...this.#seconds].map(([what, byPace]) => [
        what,
        `${byPace.get('aws')?.length ?? 0}`,
        ...paces.flatMap((pace) => cells(byPace.get(pace))),
      ]),
    );
  }
}

class Paces {
  readonly #campaign: Campaign;
  readonly #figures: Figures;
  readonly #mailbox: Mailbox;
  #firstRow = 0;

  constructor(campaign: Campaign, figures: Figures) {
    this.#campaign = campaign;
    this.#figures = figures;
    this.#mailbox = new Mailbox(join(campaign.directory, 'mail'));
  }

  /** As hours after the last runbook: only what never rests is warm. */
  async #begin(pace: Latency): Promise<void> {
    const names = resourceNames(this.#campaign.cluster.name);
    await coolFunctions(this.#campaign.endpoint, alwaysWarm.map(names.function));
    await setLatency(this.#campaign.endpoint, pace);
  }

  /** What puts the cluster back takes no part in the figures. */
  async #end(): Promise<void> {
    await setLatency(this.#campaign.endpoint, 'none');
  }

  async #primary(): Promise<Node> {
    const [primary, another] = await primariesOf(this.#campaign.cluster);
    if (primary === undefined || another !== undefined) throw new Error('there is not exactly one primary');
    return this.#campaign.node(primary.name);
  }

  /** Has an application write meanwhile; notes the longest time without an acknowledged row. */
  async #underLoad(what: string, pace: Latency, act: () => Promise<void>): Promise<void> {
    const { cluster } = this.#campaign;
    const writer = LedgerWriter.start(cluster, 20, this.#firstRow);
    this.#firstRow += 1_000_000;
    try {
      await this.#campaign.until('rows', () => writer.acknowledged.length > 20);
      writer.takeLongestGap();
      await act();
      const rows = writer.acknowledged.length;
      await this.#campaign.until('rows afterwards', () => writer.acknowledged.length > rows + 20);
    } finally {
      await writer.stop();
    }
    const { from, to } = writer.takeLongestGap();
    this.#figures.note(`${what}: until the next acknowledged row`, pace, (to - from) / 1000);
    const lost = await missingRows(cluster, await this.#primary(), writer.acknowledged);
    if (lost.length > 0) throw new Error(`${what}: acknowledged rows are lost: ${lost.join(', ')}`);
  }

  async #runbook(
    what: string,
    pace: Latency,
    name: 'rejoin' | 'switchover' | 'failover',
    input: object,
  ): Promise<void> {
    const { seconds } = await this.#campaign.succeed(name, input);
    this.#figures.note(`${what}: the runbook`, pace, seconds);
  }

  /** From the fault to the mail. */
  async alert(pace: Latency, standby: Node): Promise<void> {
    const { cluster, directory } = this.#campaign;
    await this.#campaign.forgetIncidents(this.#mailbox);
    await setLatency(this.#campaign.endpoint, pace);
    await this.#campaign.moment();
    const started = Date.now();
    await stopPostgres(cluster, standby);
    const [mail] = await this.#mailbox.next('the standby is down', 120);
    this.#figures.note(
      'the synchronous standby stops: until the mail',
      pace,
      (statSync(join(directory, 'mail', mail?.file ?? '')).mtimeMs - started) / 1000,
    );
    await this.#end();
    await startPostgres(cluster, standby);
    await this.#campaign.healthy(await this.#primary());
  }

  async rejoinByStart(pace: Latency, standby: Node): Promise<void> {
    await stopPostgres(this.#campaign.cluster, standby);
    await this.#begin(pace);
    await this.#runbook('rejoin by start', pace, 'rejoin', { node: standby.name });
    await this.#end();
    await this.#campaign.healthy(await this.#primary());
  }

  async switchover(pace: Latency): Promise<void> {
    const primary = await this.#primary();
    const to = this.#campaign.cluster.nodes.find(({ name }) => name !== primary.name)?.name;
    await this.#begin(pace);
    await this.#underLoad('switchover', pace, () => this.#runbook('switchover', pace, 'switchover', { to }));
    await this.#end();
    await this.#campaign.healthy(await this.#primary());
  }

  /** @param rewinds the former primary comes back at the same pace, and that is noted */
  async failover(
    pace: Latency,
    what: string,
    crash: (primary: Node) => Promise<unknown>,
    rewinds: boolean,
  ): Promise<void> {
    const primary = await this.#primary();
    await this.#campaign.knows(primary);
    await this.#begin(pace);
    await this.#underLoad(`failover, ${what}`, pace, async () => {
      await crash(primary);
      await this.#runbook(`failover, ${what}`, pace, 'failover', {});
    });
    if (rewinds) {
      await this.#begin(pace);
      await this.#runbook('rejoin by rewind', pace, 'rejoin', { node: primary.name });
    }
    await this.#end();
    if (!rewinds) await this.#campaign.bringBack(primary);
    await this.#campaign.healthy(await this.#primary());
  }
}

/** Prints all of it, from so many rounds at each pace. */
export async function paceFigures(rounds: number, hosts: HostKind): Promise<void> {
  const figures = new Figures();
  for (let round = 0; round < rounds; round += 1) {
    for (const pace of paces) {
      const campaign = await Campaign.start({ setUp: false, hosts, latency: pace, checkIntervalSeconds: 10 });
      try {
        figures.note('setup of three empty nodes: the runbook', pace, (await campaign.succeed('setup', {})).seconds);
        await setLatency(campaign.endpoint, 'none');
        const [first] = await primariesOf(campaign.cluster);
        if (first === undefined) throw new Error('setup left no primary');
        await makeLedger(campaign.cluster, first);
        const standby = campaign.cluster.nodes.find(({ name }) => name !== first.name);
        if (standby === undefined) throw new Error('the cluster has no standby');
        const measured = new Paces(campaign, figures);
        await measured.alert(pace, standby);
        await measured.rejoinByStart(pace, standby);
        await measured.switchover(pace);
        await measured.failover(pace, 'PostgreSQL is killed', (node) => killPostmaster(campaign.cluster, node), true);
        await measured.failover(pace, 'EC2 stops the host', (node) => campaign.cutPower(node), false);
        await measured.failover(
          pace,
          'the host dies, and neither EC2 nor SSM knows',
          (node) => stopHost(campaign.endpoint, node.name, 'dies'),
          false,
        );
      } finally {
        await campaign.stop();
      }
    }
  }
  console.log(`Hosts are ${hosts}. Seconds, ${rounds} rounds, checks every 10 s:`);
  figures.print();
}
