/** A standby that does not keep up, one that is away until its WAL is gone, and its return. */
import { renameSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dataDirectoryOf } from '../../../local/client/host-access.ts';
import { stopPostgres } from '../../../local/client/host-power.ts';
import { Writer } from '../../../local/client/writer.ts';
import type { WatchedCluster } from '../../support/watched-cluster.ts';

export function fallingBehind(watched: () => WatchedCluster): void {
  const sql = (name: string, statement: string) => watched().sql(name, statement);

  /** Goes on to so many further WAL segments of 16 MB; what is left of each is empty. */
  const useSegments = (count: number) =>
    sql(
      'slow_primary',
      `do $$ begin for i in 1..${count} loop
         perform pg_logical_emit_message(false, 'test', 'something to switch from');
         perform pg_switch_wal();
       end loop; end $$`,
    );

  it.sequential('when it does not keep up with what is written, by bytes and by time', async () => {
    const { cluster } = watched();
    await using _writer = await Writer.start(cluster, watched().node('slow_primary'));
    const startup = Number(await sql('slow_second', "select pid from pg_stat_activity where backend_type = 'startup'"));
    process.kill(startup, 'SIGSTOP');
    try {
      const [mail] = await watched().expectAlerts(/^WARNING slow: slow_second lags \d+ s$/);
      expect(mail?.text).toMatch(/slow_second has stored all but .* and has yet to replay .* kB of WAL/);
      expect(mail?.text).toContain('Every commit is confirmed by slow_first; 1 more standby can be lost');
      await watched().expectSilence(2);
    } finally {
      process.kill(startup, 'SIGCONT');
    }
    await watched().expectAlerts(/^RECOVERED/);
  });

  it.sequential('when it is away: its slot fills, until the WAL that it needs is gone', async () => {
    await stopPostgres(watched().cluster, watched().node('slow_second'));
    await watched().expectAlerts(/^WARNING slow: slow_second is down$/);
    await useSegments(9);
    const [filling] = await watched().expectAlerts(/^WARNING slow: slot slow_second keeps 1\d\d MB of WAL/);
    expect(filling?.text).toMatch(/At 256 MB the primary removes it, and the standby has to be rebuilt/);
    await useSegments(10);
    await sql('slow_primary', 'checkpoint');
    const [lost] = await watched().expectAlerts(/^WARNING slow: slow_second needs a rebuild/);
    expect(lost?.text).toMatch(/No longer so: slot slow_second keeps/);
  });

  it.sequential('and nothing more for 30 s while it stays so', () => watched().expectSilence(6));

  it.sequential('until the remedy that the alert names has been applied', async () => {
    const { cluster } = watched();
    const directory = dataDirectoryOf(cluster, watched().node('slow_second'));
    renameSync(directory, `${directory}.away`);
    await watched().setUp();
    await watched().expectAlerts(/^RECOVERED slow: all well again after/);
    await watched().expectSilence();
  });

  it.sequential('to chats as by mail', () => watched().expectSameByHttp());
}
