import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PreflightFacts, preflightFactsSchema } from '../../lambdas/contract/node-commands.ts';
import { installedPostgres } from '../support/installed-postgres.ts';
import { Hosts } from './hosts.ts';

describe.sequential('the commands of setup, on three empty hosts', () => {
  const { majorVersion } = installedPostgres();
  let hosts: Hosts;
  beforeAll(() => {
    hosts = new Hosts({ names: ['alpha', 'beta', 'gamma'] });
  });
  afterAll(() => hosts.remove());

  it('preflight finds them empty and leaves them so', async () => {
    const before = ['alpha', 'beta', 'gamma'].map((node) => hosts.snapshot(node));
    const results = await Promise.all(['alpha', 'beta', 'gamma'].map((node) => hosts.succeed(node, 'preflight')));
    for (const result of results) {
      expect(preflightFactsSchema.parse(result)).toMatchObject({
        osUserExists: true,
        missingPrograms: [],
        postgresVersion: expect.stringMatching(new RegExp(`^${majorVersion}\\.\\d+$`)),
        dataDirectory: { state: 'absent', parentWritable: true, isMountPoint: false, bytes: 0 },
        server: { running: false },
        portTakenBy: null,
        secret: { user: 'replica', failure: null, refusals: [] },
        busyWith: null,
      } satisfies Partial<Record<keyof PreflightFacts, unknown>>);
    }
    expect(['alpha', 'beta', 'gamma'].map((node) => hosts.snapshot(node))).toEqual(before);
  });

  it('make one primary and two standbys that stream under their own names', async () => {
    const [primary, roles, backupOfBeta] = await hosts.setUp();
    expect(primary).toMatchObject({ changed: true, initialized: true, restarted: false });
    expect(roles).toMatchObject({ roles: ['replica', 'replication_monitor'], slots: ['beta', 'gamma'] });
    expect(backupOfBeta).toMatchObject({ changed: true, bytes: expect.any(Number) });
    const table = 'SELECT usename, application_name, client_addr, sync_state FROM pg_stat_replication ORDER BY 2';
    expect(hosts.sql('alpha', table).split('\n')).toEqual([
      'replica|beta|127.0.0.1|sync',
      'replica|gamma|127.0.0.1|potential',
    ]);
    expect(existsSync(join(hosts.dataOf('beta'), 'standby.signal'))).toBe(true);
  });

  it('prove a durable write', async () => {
    expect(await hosts.succeed('alpha', 'prove-durable-write')).toMatchObject({
      milliseconds: expect.any(Number),
      lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
      confirmedBy: [{ name: 'beta', syncState: 'sync' }],
    });
  });

  it('change nothing when they run again', async () => {
    const started = hosts.sql('alpha', 'SELECT pg_postmaster_start_time()');
    for (const result of await hosts.setUp()) expect(result).toMatchObject({ changed: false });
    expect(hosts.sql('alpha', 'SELECT pg_postmaster_start_time()')).toBe(started);
  });

  it('wait for a server that is starting before they report', async () => {
    const file = join(hosts.dataOf('beta'), 'postmaster.pid');
    const ready = readFileSync(file, 'utf8');
    // As PostgreSQL writes it while it recovers, over what was there.
    writeFileSync(file, ready.replace(/^ready {3}$/m, 'starting'), { flag: 'r+' });
    const report = hosts.succeed('beta', 'preflight');
    const early = await Promise.race([report, pause(1_500, 'waits')]);
    writeFileSync(file, ready, { flag: 'r+' });
    expect(early).toBe('waits');
    expect(await report).toMatchObject({ server: { running: true, inRecovery: true } });
  });

  it('report the same facts of running nodes', async () => {
    const facts = preflightFactsSchema.parse(await hosts.succeed('beta', 'preflight'));
    const ofPrimary = preflightFactsSchema.parse(await hosts.succeed('alpha', 'preflight'));
    expect(facts.dataDirectory).toMatchObject({
      state: 'postgres',
      majorVersion: `${majorVersion}`,
      standbySignal: true,
    });
    expect(facts.dataDirectory.systemIdentifier).toBe(ofPrimary.dataDirectory.systemIdentifier);
    expect(facts.server).toMatchObject({ running: true, inRecovery: true, failure: null });
    expect(ofPrimary.server).toMatchObject({
      inRecovery: false,
      configFile: join(hosts.dataOf('alpha'), 'postgresql.conf'),
      synchronousStandbyNames: 'FIRST 1 ("beta","gamma")',
    });
    expect(ofPrimary.dataDirectory.bytes).toBeGreaterThan(20_000_000);
    expect(facts.portTakenBy).toBeNull();
  });

  it('have the standbys stream, each from its own slot', () => {
    const replication = 'SELECT application_name, state, sync_state FROM pg_stat_replication ORDER BY sync_priority';
    expect(hosts.sql('alpha', replication)).toBe('beta|streaming|sync\ngamma|streaming|potential');
    expect(hosts.sql('gamma', 'SELECT status, slot_name FROM pg_stat_wal_receiver')).toBe('streaming|gamma');
  });

  it('let the replication user in from the nodes only, the monitoring user from the observer', () => {
    const rules = hosts.sql(
      'alpha',
      `SELECT type, array_to_string(database, ','), array_to_string(user_name, ','), address, auth_method
       FROM pg_hba_file_rules WHERE user_name && '{replica,replication_monitor}' ORDER BY line_number`,
    );
    const addresses = ['127.0.0.1', ...hosts.cluster.nodes.map(({ address }) => address)];
    const lines = rules.split('\n');
    for (const address of addresses)
      expect(lines).toContain(`hostssl|replication,postgres|replica|${address}|scram-sha-256`);
    expect(lines.filter((line) => line.includes('|replica|'))).toHaveLength(addresses.length + 1);
    expect(lines).toContain('hostssl|postgres|replication_monitor|127.0.0.0|scram-sha-256');
    expect(lines.at(-1)).toBe('host|replication,all|replica|all|reject');
  });

  it('start a stopped standby, and only it', async () => {
    hosts.stop('beta');
    expect(await hosts.succeed('beta', 'start-standby', { Primary: 'alpha' })).toEqual({
      changed: true,
      started: true,
      configurationFailure: null,
    });
  });

  it('have a standby follow the primary under its own name again when its settings were lost', async () => {
    const names = "SELECT string_agg(application_name, ',' ORDER BY application_name) FROM pg_stat_replication";
    hosts.sql('gamma', "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
    hosts.sql('gamma', 'SELECT pg_reload_conf()');
    await hosts.succeed('gamma', 'start-standby', { Primary: 'alpha' });
    expect(hosts.sql('alpha', names)).toBe('beta,gamma');
  });

  it('set synchronous_standby_names only when its meaning differs', async () => {
    const same = { StandbyNames: 'FIRST 1 ("BETA","gamma")' };
    expect(await hosts.succeed('alpha', 'set-synchronous-standbys', same)).toMatchObject({ changed: false });
    const other = { StandbyNames: 'ANY 1 ("beta","gamma")' };
    expect(await hosts.succeed('alpha', 'set-synchronous-standbys', other)).toEqual({
      changed: true,
      previous: 'FIRST 1 ("beta","gamma")',
      current: 'ANY 1 ("beta","gamma")',
    });
    const off = { StandbyNames: '' };
    expect(await hosts.succeed('alpha', 'set-synchronous-standbys', off)).toMatchObject({ changed: true, current: '' });
  });

  it('call a write that no standby confirms not durable', async () => {
    expect(await hosts.refuse('alpha', 'prove-durable-write')).toMatchObject({
      error: 'DurableWriteFailed',
      message: expect.stringContaining('empty'),
    });
    await hosts.succeed('alpha', 'set-synchronous-standbys', { StandbyNames: 'FIRST 1 ("beta")' });
    hosts.stop('beta');
    expect(await hosts.refuse('alpha', 'prove-durable-write')).toMatchObject({
      error: 'DurableWriteFailed',
      message: expect.stringContaining('canceling wait for synchronous replication'),
    });
  });

  it('repair a blocked primary: none of our own sessions waits for a standby', async () => {
    hosts.sql('alpha', 'SET synchronous_commit = local; DROP ROLE replication_monitor');
    const { roles } = await hosts.succeed('alpha', 'ensure-roles-and-slots', { Primary: 'alpha' });
    expect(roles).toEqual(['replication_monitor']);
    expect(await hosts.succeed('alpha', 'configure-primary')).toMatchObject({ changed: false });
  });
});

describe('other clusters', () => {
  it('names that need quoting, md5 and no TLS, any two of four standbys', async () => {
    const names = ['Node-A', 'node.b', 'FIRST', 'x_1', '9lives'];
    const hosts = new Hosts({ names, replication: { authentication: 'md5', tls: false, method: 'ANY', count: 2 } });
    try {
      await hosts.setUp('ANY 2');
      const table =
        'SELECT application_name, sync_state FROM pg_stat_replication ORDER BY application_name COLLATE "C"';
      expect(hosts.sql('Node-A', table).split('\n')).toEqual([
        '9lives|quorum',
        'FIRST|quorum',
        'node.b|quorum',
        'x_1|quorum',
      ]);
      expect(hosts.sql('Node-A', "SELECT rolpassword ~ '^md5' FROM pg_authid WHERE rolname = 'replica'")).toBe('t');
      const { confirmedBy } = await hosts.succeed('Node-A', 'prove-durable-write');
      expect((confirmedBy as unknown[]).length).toBeGreaterThanOrEqual(2);
      for (const result of await hosts.setUp('ANY 2')) expect(result).toMatchObject({ changed: false });
    } finally {
      await hosts.remove();
    }
  });

  it('commands that run as the PostgreSQL user itself', async () => {
    const hosts = new Hosts({ names: ['alpha', 'beta'], withoutRoot: true });
    try {
      await hosts.setUp();
      expect(hosts.sql('alpha', 'SELECT application_name, sync_state FROM pg_stat_replication')).toBe('beta|sync');
      expect((await hosts.succeed('alpha', 'preflight')).missingPrograms).toEqual([]);
    } finally {
      await hosts.remove();
    }
  });
});
