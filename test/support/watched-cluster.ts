/** A cluster of a local runtime whose alerts a test reads, as a subscriber by mail and as one by http. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { RunbookName } from '../../lambdas/contract/names.ts';
import type { LocalClients } from '../../local/client/aws-clients.ts';
import { type LocalCluster, localClusters } from '../../local/client/host-access.ts';
import { type Mail, Mailbox } from '../../local/client/mailbox.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { HttpSubscriber } from './http-subscriber.ts';
import type { LocalRuntime } from './local-runtime.ts';

/** Address of a cluster's subscriber by mail: each cluster of a runtime has its own. */
const subscriberOf = (name: string) => `${name}@example.com`;

/** What a cluster has to have in the clusters file so that its alerts can be read. */
export async function alertsTo(name: string): Promise<{ name: string; alerts: object; subscriber: HttpSubscriber }> {
  const subscriber = await HttpSubscriber.start();
  return { name, alerts: { emails: [subscriberOf(name)], httpEndpoints: [subscriber.url] }, subscriber };
}

export class WatchedCluster {
  readonly cluster: LocalCluster;
  readonly mailbox: Mailbox;
  readonly subscriber: HttpSubscriber;
  readonly #clients: LocalClients;

  constructor(runtime: LocalRuntime, name: string, subscriber: HttpSubscriber) {
    const cluster = localClusters(runtime.directory).find((each) => each.name === name);
    if (cluster === undefined) throw new Error(`the runtime has no cluster ${name}`);
    this.cluster = cluster;
    this.subscriber = subscriber;
    this.mailbox = new Mailbox(join(runtime.directory, 'mail'), subscriberOf(name));
    this.#clients = runtime.clients;
  }

  node(name: string): ClusterNode {
    return nodeNamed(this.cluster, name);
  }

  sql(name: string, statement: string): Promise<string> {
    return superuserSql(this.cluster, this.node(name), statement);
  }

  run(runbook: RunbookName, input: object = {}): Promise<RunbookOutcome> {
    return runRunbook(this.#clients, this.cluster.name, runbook, 240, undefined, input);
  }

  async setUp(): Promise<void> {
    const outcome = await this.run('setup');
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  }

  /** Waits for one alert after the other; each must be the next mail, and its subject say the words. */
  async expectAlerts(...subjects: RegExp[]): Promise<Mail[]> {
    const all: Mail[] = [];
    for (const subject of subjects) {
      // Four checks, and what a busy machine takes.
      const mails = await this.mailbox.next(`${subject}`, 4 * this.#interval + 15);
      expect(mails.map((mail) => mail.subject)).toEqual([expect.stringMatching(subject)]);
      all.push(...mails);
    }
    return all;
  }

  /** Waits until a check has just been made: what happens within the next two seconds is seen by one and the same check. */
  async untilAfterCheck(): Promise<void> {
    const interval = this.#interval * 1000;
    // Checks fall on multiples of the interval since 1970, and take less than this.
    const margin = 2500;
    await pause(interval - ((Date.now() - margin) % interval));
  }

  /** So many further checks must send nothing. */
  async expectSilence(checks = 3): Promise<void> {
    await pause(checks * this.#interval * 1000);
    expect((await this.mailbox.unread()).map(({ subject }) => subject)).toEqual([]);
  }

  /** What the subscriber by http was sent must be what the mails say, in their order. */
  async expectSameByHttp(): Promise<void> {
    const titles = () => this.subscriber.received.map(({ content }) => content.title);
    const mails = this.mailbox.subjects.length;
    // Each subscriber gets a message in its own time.
    await waitFor('the last message by http', 20, () => titles().length >= mails).catch(() => undefined);
    expect(titles()).toEqual(this.mailbox.subjects);
  }

  get #interval(): number {
    return this.cluster.monitoring.checkIntervalSeconds;
  }
}
