/** What the checker repairs by itself where the policy says so, as the subscribers of the alerts read it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asPostgresUser, dataDirectoryOf, hostPath, onHost } from '../../local/client/host-access.ts';
import { stopPostgres } from '../../local/client/host-power.ts';
import type { Mail } from '../../local/client/mailbox.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { LocalRuntime, waitFor } from '../support/local-runtime.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

/** Three checks, and what a busy machine takes to rejoin a node. */
const limitSeconds = 90;

describe('by policy', () => {
  let runtime: LocalRuntime;
  let rejoining: WatchedCluster;

  beforeAll(async () => {
    const nodes = nodesNamed('rejoin_primary', 'rejoin_first', 'rejoin_second');
    const { alerts, subscriber } = await alertsTo('pg-rejoin');
    const postgres = { majorVersion: 15 };
    const monitoring = { checkIntervalSeconds: 5 };
    const policy = { autoRejoin: true, rebuild: 'automatic' };
    runtime = await LocalRuntime.start({
      clusters: [{ ...notesCluster({ name: 'pg-rejoin', postgres, nodes, policy }), alerts, monitoring }],
    });
    rejoining = new WatchedCluster(runtime, 'pg-rejoin', subscriber);
    await rejoining.setUp();
    await rejoining.mailbox.notices();
  }, 300_000);

  afterAll(async () => {
    await runtime?.[Symbol.asyncDispose]();
    await rejoining?.subscriber[Symbol.asyncDispose]();
  }, 60_000);

  describe('a standby that fell out', () => {
    const dataOf = (name: string) => {
      const { cluster } = rejoining;
      return hostPath(cluster, rejoining.node(name), dataDirectoryOf(cluster, rejoining.node(name)));
    };

    /** Kills PostgreSQL on a node, as the crash of its host would. */
    async function crash(name: string): Promise<void> {
      const { cluster } = rejoining;
      const node = rejoining.node(name);
      const stop = [`${cluster.postgres.binDirectory}/pg_ctl`, '-D', dataDirectoryOf(cluster, node), '-s', '-w'];
      await onHost(cluster, node, asPostgresUser(cluster, [...stop, '-m', 'immediate', 'stop']));
    }

    /** The notices and alerts from the trouble to its end, in their order. */
    async function untilRecovered(): Promise<Mail[]> {
      const mails: Mail[] = [];
      await waitFor('the recovery notice', limitSeconds, async () => {
        mails.push(...(await rejoining.mailbox.notices()), ...(await rejoining.mailbox.unread()));
        return mails.some(({ subject }) => subject.startsWith('RECOVERED')) || null;
      });
      return mails.toSorted((a, b) => a.file.localeCompare(b.file));
    }

    it('is started again', async () => {
      await stopPostgres(rejoining.cluster, rejoining.node('rejoin_second'));
      const mails = await untilRecovered();
      const subjects = mails.map(({ subject }) => subject);
      expect(subjects[0]).toMatch(/^WARNING pg-rejoin: rejoin_second is down/);
      expect(subjects.filter((subject) => / rejoin of /.test(subject))).toEqual([
        'STARTED pg-rejoin: rejoin of rejoin_second',
        'DONE pg-rejoin: rejoin of rejoin_second',
      ]);
    }, 150_000);

    it('is made a standby again when it would start as a primary', async () => {
      await crash('rejoin_first');
      rmSync(join(dataOf('rejoin_first'), 'standby.signal'));
      const mails = await untilRecovered();
      const done = mails.find(({ subject }) => subject === 'DONE pg-rejoin: rejoin of rejoin_first');
      expect(done?.text, JSON.stringify(mails)).toMatch(/make it follow rejoin_primary|follow/);
      expect(
        await rejoining.sql(
          'rejoin_primary',
          'select application_name, sync_state from pg_stat_replication order by sync_priority',
        ),
      ).toBe('rejoin_first|sync\nrejoin_second|potential');
    }, 150_000);
  });
});
