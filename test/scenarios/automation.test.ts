/** What the checker repairs by itself where the policy says so, as the subscribers of the alerts read it. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StartInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { stopHost } from '../../local/client/control.ts';
import { dataDirectoryOf, hostPath } from '../../local/client/host-access.ts';
import { stopAsByCrash, stopPostgres } from '../../local/client/host-power.ts';
import { LedgerWriter, makeLedger, missingRows } from '../../local/client/ledger.ts';
import type { Mail } from '../../local/client/mailbox.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

/** Three checks, and what a busy machine takes to rejoin a node. */
const limitSeconds = 90;

describe('by policy', () => {
  let runtime: LocalRuntime;
  let rejoining: WatchedCluster;
  let failing: WatchedCluster;

  beforeAll(async () => {
    const nodes = nodesNamed(
      ...['rejoin_primary', 'rejoin_first', 'rejoin_second'],
      ...['failing_primary', 'failing_first', 'failing_second'],
    );
    const [one, two] = await Promise.all(['pg-rejoin', 'pg-failing'].map(alertsTo));
    if (one === undefined || two === undefined) throw new RangeError('two are started');
    const monitoring = { checkIntervalSeconds: 5 };
    const rejoin = { autoRejoin: true, rebuild: 'automatic' };
    const clusters = [
      {
        ...notesCluster({ name: 'pg-rejoin', nodes: nodes.slice(0, 3), policy: rejoin }),
        alerts: one.alerts,
      },
      {
        ...notesCluster({
          name: 'pg-failing',
          nodes: nodes.slice(3),
          policy: { ...rejoin, failover: 'automatic' },
        }),
        alerts: two.alerts,
      },
    ];
    runtime = await LocalRuntime.start({ clusters: clusters.map((cluster) => ({ ...cluster, monitoring })) });
    rejoining = new WatchedCluster(runtime, 'pg-rejoin', one.subscriber);
    failing = new WatchedCluster(runtime, 'pg-failing', two.subscriber);
    await Promise.all([rejoining.setUp(), failing.setUp()]);
    await rejoining.mailbox.notices();
    await failing.mailbox.notices();
  });

  afterAll(async () => {
    await runtime?.[Symbol.asyncDispose]();
    for (const each of [rejoining, failing]) await each?.subscriber[Symbol.asyncDispose]();
  });

  describe.concurrent('a standby that fell out', () => {
    const dataOf = (name: string) => {
      const { cluster } = rejoining;
      return hostPath(cluster, rejoining.node(name), dataDirectoryOf(cluster, rejoining.node(name)));
    };

    /** The notices and alerts from the trouble to its end and that of the runbook, in their order. */
    async function untilRecovered(): Promise<Mail[]> {
      const mails: Mail[] = [];
      await waitFor('the recovery notice', limitSeconds, async () => {
        mails.push(...(await rejoining.mailbox.notices()), ...(await rejoining.mailbox.unread()));
        const came = (words: RegExp) => mails.some(({ subject }) => words.test(subject));
        return (came(/^RECOVERED/) && came(/^(?:DONE|FAILED) .* rejoin/)) || null;
      });
      return mails.toSorted((a, b) => a.file.localeCompare(b.file));
    }

    it.sequential('is started again', async () => {
      await stopPostgres(rejoining.cluster, rejoining.node('rejoin_second'));
      const mails = await untilRecovered();
      const subjects = mails.map(({ subject }) => subject);
      expect(subjects[0]).toMatch(/^WARNING pg-rejoin: rejoin_second is down/);
      expect(subjects.filter((subject) => / rejoin of /.test(subject))).toEqual([
        'STARTED pg-rejoin: rejoin of rejoin_second',
        'DONE pg-rejoin: rejoin of rejoin_second',
      ]);
    });

    it.sequential('is made a standby again when it has lost its WAL and would start as a primary', async () => {
      await stopAsByCrash(rejoining.cluster, rejoining.node('rejoin_first'));
      const data = dataOf('rejoin_first');
      rmSync(join(data, 'standby.signal'));
      const wal = join(data, 'pg_wal');
      for (const name of readdirSync(wal)) if (/^[0-9A-F]{24}$/.test(name)) rmSync(join(wal, name));
      const mails = await untilRecovered();
      const done = mails.find(({ subject }) => subject === 'DONE pg-rejoin: rejoin of rejoin_first');
      expect(done?.text, mails.map(({ subject }) => subject).join()).toMatch(/was made to follow the primary/);
      const states = 'select application_name, sync_state from pg_stat_replication order by sync_priority';
      expect(await rejoining.sql('rejoin_primary', states)).toBe('rejoin_first|sync\nrejoin_second|potential');
    });
  });

  describe.concurrent('a primary whose host crashes', () => {
    it.sequential('is replaced, and no acknowledged row is lost', async () => {
      const { cluster } = failing;
      // Nothing follows from a node that the checker does not know.
      await checkerKnows(runtime.clients, cluster.name, 'failing_primary');
      expect(await failing.mailbox.unread()).toEqual([]);
      await makeLedger(cluster, failing.node('failing_primary'));
      await using writer = LedgerWriter.start(cluster);
      await waitFor('rows', 20, () => writer.acknowledged.length > 10);
      await stopHost(runtime.endpoint, 'failing_primary', 'off');
      const crashed = Date.now();
      await waitFor('rows on another primary', 180, () => writer.lastAcknowledged > crashed + 1000 || null);
      const { to } = writer.takeLongestGap();
      const seconds = (to - crashed) / 1000;
      console.log(`from the crash of the primary's host to the next acknowledged row: ${seconds.toFixed(1)} s`);
      const done = await waitFor('the notice', 40, async () => {
        const notices = await failing.mailbox.notices();
        return notices.find(({ subject }) => subject === 'DONE pg-failing: failover') ?? null;
      });
      await writer.stop();
      const [successor] = ['failing_first', 'failing_second'].filter((name) =>
        done.text.includes(`${name} is the primary`),
      );
      expect(successor, done.text).toBeDefined();
      expect(await missingRows(cluster, failing.node(successor ?? ''), writer.acknowledged)).toEqual([]);
    });

    it.sequential('rejoins as a standby when it comes back, with what it alone had kept', async () => {
      await runtime.clients.ec2.send(
        new StartInstancesCommand({ InstanceIds: [failing.node('failing_primary').instanceId] }),
      );
      const done = await waitFor('the notice of the rejoin', limitSeconds, async () => {
        const notices = await failing.mailbox.notices();
        return notices.find(({ subject }) => subject === 'DONE pg-failing: rejoin of failing_primary') ?? null;
      });
      expect(done.text).toMatch(/former primary that accepts writes[\s\S]*What only failing_primary had is kept/);
      expect(await failing.sql('failing_primary', 'select pg_is_in_recovery()')).toBe('t');
      const recovered = await waitFor(
        'the recovery notice',
        60,
        () =>
          failing.mailbox.subjects.some((subject) => subject.startsWith('RECOVERED')) ||
          failing.mailbox.unread().then(() => null),
      );
      expect(recovered).toBe(true);
    });

    it.sequential('is told, by notices of the runbooks', async () => {
      const subjects = failing.mailbox.subjects;
      expect(subjects.filter((subject) => subject.includes('failover'))).toEqual([
        'STARTED pg-failing: failover',
        'DONE pg-failing: failover',
      ]);
    });
  });
});
