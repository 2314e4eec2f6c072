/** Limits that a standby must not have below its primary's: raised there first, and wherever a standby is started. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts } from './hosts.ts';

describe.sequential('larger limits', () => {
  let hosts: Hosts;
  const standbys = ['beta', 'gamma'];
  /** Somebody raises a limit of the primary by hand; beta, which runs, has less than it then. */
  async function raiseOnPrimaryAlone(connections: number): Promise<void> {
    hosts.sql('alpha', `ALTER SYSTEM SET max_connections = ${connections}`);
    hosts.stop('alpha');
    hosts.start('alpha');
    await waitFor(
      'beta stops replaying',
      30,
      () => hosts.sql('beta', 'SELECT pg_get_wal_replay_pause_state()') === 'paused',
    );
  }

  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  const replays = async (node: string) =>
    waitFor(`${node} replays all`, 20, () => {
      const end = hosts.sql('alpha', 'SELECT pg_current_wal_lsn()');
      return (
        hosts.sql(node, `SELECT pg_get_wal_replay_pause_state() || (pg_last_wal_replay_lsn() >= '${end}')`) ===
        'not pausedtrue'
      );
    });
  const senders = (node: string) => hosts.sql(node, 'SHOW max_wal_senders');

  it('reach the standbys one after the other, then the primary; none stops replaying', async () => {
    hosts.cluster.postgres.maxWalSenders = 9;
    for (const node of standbys) {
      expect(await hosts.succeed(node, 'configure-standby')).toMatchObject({
        changed: true,
        restarted: true,
        raised: ['max_wal_senders'],
      });
      expect(hosts.sql(node, 'SELECT status FROM pg_stat_wal_receiver')).toBe('streaming');
      expect(await hosts.succeed(node, 'configure-standby')).toEqual({
        ...{ changed: false, restarted: false, raised: [], settings: [] },
        configurationFailure: null,
      });
    }
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ restarted: true });
    for (const node of standbys) await replays(node);
    expect(standbys.map(senders)).toEqual(['9', '9']);
    expect(await hosts.succeed('alpha', 'configure-standby')).toMatchObject({ changed: false });
  });

  it('of a primary that somebody raised by hand reach a standby when it is started, running or not', async () => {
    hosts.stop('gamma');
    await raiseOnPrimaryAlone(150);
    for (const node of standbys) {
      await hosts.succeed(node, 'start-standby', { Primary: 'alpha' });
      await replays(node);
      expect(hosts.sql(node, 'SHOW max_connections')).toBe('150');
      expect(await hosts.succeed(node, 'start-standby', { Primary: 'alpha' })).toMatchObject({ changed: false });
    }
  });

  it('that a stopped standby has only heard of do not keep it from starting', async () => {
    await raiseOnPrimaryAlone(200);
    hosts.stop('beta');
    await hosts.succeed('beta', 'start-standby', { Primary: 'alpha' });
    await replays('beta');
  });
});
