import { randomInt } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedPostgres } from '../support/installed-postgres.ts';
import { execAsPostgres, Hosts } from './hosts.ts';

describe.sequential('a primary that was there before', () => {
  let hosts: Hosts;
  let data: string;
  const primary = { Primary: 'alpha' };
  const { binDirectory } = installedPostgres();
  const formerPort = randomInt(31_000, 32_000);
  const operatorsLine = 'host all all 0.0.0.0/0 reject';

  beforeAll(() => {
    hosts = new Hosts({ names: ['alpha', 'beta'] });
    data = hosts.dataOf('alpha');
    execAsPostgres([`${binDirectory}/initdb`, '-D', data, '-A', 'peer', '--auth-host=md5', '-k']);
    // As in the notes: the names are set while there is no standby, so that every write of an application hangs.
    appendFileSync(
      join(data, 'postgresql.conf'),
      [
        `port = ${formerPort}`,
        `unix_socket_directories = '${hosts.homeOf('alpha')}'`,
        "synchronous_standby_names = 'nobody'",
        'wal_level = logical',
        'max_wal_senders = 50',
        'wal_keep_size = 262144kB',
        "wal_sender_timeout = '8000ms'",
        'max_replication_slots = 3',
        '',
      ].join('\n'),
    );
    const hba = readFileSync(join(data, 'pg_hba.conf'), 'utf8').replace(/^host /m, `${operatorsLine}\nhost `);
    appendFileSync(join(data, 'pg_hba.conf'), hba);
    execAsPostgres([
      `${binDirectory}/pg_ctl`,
      'start',
      '-D',
      data,
      '-w',
      '-s',
      '-l',
      join(hosts.homeOf('alpha'), 'log'),
    ]);
  });
  afterAll(() => hosts.remove());

  it('is found on its former port, and moved to the configured one by one restart', async () => {
    const result = await hosts.succeed('alpha', 'configure-primary');
    expect(result).toMatchObject({ changed: true, initialized: false, restarted: true });
    const settings = result.settings as string[];
    // What means the same, or is more than needed, stays as it is.
    for (const kept of ['wal_level', 'max_wal_senders', 'wal_keep_size', 'wal_sender_timeout', 'hot_standby'])
      expect(settings).not.toContain(kept);
    for (const set of ['port', 'listen_addresses', 'max_replication_slots', 'ssl', 'wal_log_hints'])
      expect(settings).toContain(set);
    expect(hosts.sql('alpha', "SELECT current_setting('wal_level') || current_setting('max_wal_senders')")).toBe(
      'logical50',
    );
    expect(hosts.sql('alpha', 'SELECT count(*) FROM pg_settings WHERE pending_restart')).toBe('0');
  });

  it('keeps the operator’s lines of pg_hba.conf below ours', () => {
    const lines = readFileSync(join(data, 'pg_hba.conf'), 'utf8').split('\n');
    expect(lines[0]).toMatch(/^# BEGIN /);
    expect(lines.indexOf(operatorsLine)).toBeGreaterThan(lines.findIndex((line) => line.startsWith('# END ')));
  });

  it('gets its standby although writes are blocked', async () => {
    await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
    await hosts.succeed('beta', 'take-base-backup', primary);
    await hosts.succeed('beta', 'start-standby', primary);
    await hosts.succeed('alpha', 'set-synchronous-standbys', { StandbyNames: 'FIRST 1 ("beta")' });
    await hosts.succeed('alpha', 'prove-durable-write');
    // The copy has the names of the primary in postgresql.conf; they must not count there.
    expect(hosts.sql('beta', 'SHOW synchronous_standby_names')).toBe('');
    expect(hosts.sql('beta', 'SHOW port')).toBe(`${hosts.cluster.nodes[1]?.port}`);
  });

  it('keeps its limits when someone has lowered one for the next start', async () => {
    hosts.sql('alpha', 'ALTER SYSTEM SET max_wal_senders = 2');
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({
      restarted: false,
      settings: ['max_wal_senders'],
    });
    const next = "SELECT setting FROM pg_file_settings WHERE name = 'max_wal_senders' ORDER BY seqno DESC LIMIT 1";
    expect(hosts.sql('alpha', next)).toBe('5');
  });

  it('is left alone by a second run', async () => {
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({
      changed: false,
      restarted: false,
      settings: [],
    });
  });
});
