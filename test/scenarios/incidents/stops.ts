/** The notes' incidents (S7 to S10): PostgreSQL stops on one host after the other, and is started again. */
import { expect, it } from 'vitest';
import { startPostgres, stopPostgres } from '../../../local/client/host-power.ts';
import { Writer } from '../../../local/client/writer.ts';
import type { WatchedCluster } from '../../support/watched-cluster.ts';

export function stops(watched: () => WatchedCluster): void {
  const stop = (name: string) => stopPostgres(watched().cluster, watched().node(name));
  const start = (name: string) => startPostgres(watched().cluster, watched().node(name));
  const withWriter = async (work: () => Promise<void>) => {
    const writer = await Writer.start(watched().cluster, watched().node('night_primary'));
    try {
      await work();
    } finally {
      await writer.stop();
    }
  };

  it.sequential('S7: when the synchronous standby stops, with the one that took over', () =>
    withWriter(async () => {
      await stop('night_first');
      const [mail] = await watched().expectAlerts(
        /^WARNING night: night_first is down, night_second is synchronous now$/,
      );
      expect(mail?.text).toContain(
        'Every commit is confirmed by night_second; if one more standby is lost, writes block',
      );
      expect(mail?.text).toMatch(/night_second +\|.*\| +sync\n/);
      expect(mail?.text).toMatch(/Command: aws stepfunctions start-execution .*stateMachine:night-/);
    }));

  it.sequential('S8: and when it is back', () =>
    withWriter(async () => {
      await start('night_first');
      const [mail] = await watched().expectAlerts(/^RECOVERED night: all well again after [^,]+$/);
      expect(mail?.text).toContain('Every commit is confirmed by night_first; 1 more standby can be lost');
    }));

  it.sequential('S9: when the primary stops and starts again', async () => {
    await stop('night_primary');
    const [mail] = await watched().expectAlerts(/^CRITICAL night: primary night_primary is down$/);
    expect(mail?.text).toMatch(/No standby receives WAL from it: asked were night_first and night_second/);
    await start('night_primary');
    await watched().expectAlerts(/^RECOVERED night: all well again after [^,]+, no writes for /);
  });

  it.sequential('S10: when all standbys stop, with who waits and since when; any one unblocks them', () =>
    withWriter(async () => {
      await watched().untilAfterCheck();
      await Promise.all(['night_first', 'night_second'].map(stop));
      try {
        const [mail] = await watched().expectAlerts(
          /^CRITICAL night: writes blocked, no synchronous standby \(\+2 more\)$/,
        );
        expect(mail?.text).toMatch(/1 session waits for a standby, for \d+ s\./);
        expect(await watched().sql('night_primary', 'select count(*) > 0 from written')).toBe('t');
        await start('night_second');
        await watched().expectAlerts(/^BETTER night: writes flow again, night_first is down/);
      } finally {
        // Also when something was not as expected: the writer ends only when its commit returns.
        await Promise.allSettled(['night_first', 'night_second'].map(start));
      }
      await watched().expectAlerts(/^RECOVERED night: all well again after .*, no writes for /);
    }));

  it.sequential('and nothing else, to chats as by mail', async () => {
    await watched().expectSilence();
    await watched().expectSameByHttp();
  });
}
