/**
 * What every node has, standby or primary: managed settings, a certificate, the lines of pg_hba.conf. It follows the
 * cluster's configuration on nodes that are there already, and never holds up what is more urgent.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { Hosts } from './hosts.ts';

const primary = { Primary: 'alpha' };
const rule = (...names: string[]) => ({ StandbyNames: `FIRST 1 (${names.map((name) => `"${name}"`).join(',')})` });

/** Our lines of a node's pg_hba.conf, as PostgreSQL reads them. */
const linesOf = (hosts: Hosts, node: string) =>
  hosts.sql(
    node,
    `SELECT type, database, user_name, address, netmask, auth_method FROM pg_hba_file_rules
     WHERE user_name && '{replica,replication_monitor}' ORDER BY line_number`,
  );

/** Whether PostgreSQL has read its files since they were written. */
const inForce = (hosts: Hosts, node: string) =>
  hosts.sql(
    node,
    "SELECT date_trunc('second', modification) <= pg_conf_load_time() FROM pg_stat_file(current_setting('hba_file'))",
  );

/** The observer moves into a further subnet, as after a deployment. */
function addObserverSubnet(hosts: Hosts, cidr: string): void {
  const { observerSubnets } = hosts.cluster.network;
  observerSubnets.push({ ...(observerSubnets[0] as (typeof observerSubnets)[0]), cidr });
}

/** So many nodes are added to the cluster, which nobody has built yet. */
function addNodes(hosts: Hosts, count: number): void {
  const { nodes } = hosts.cluster;
  for (let added = 0; added < count; added += 1) {
    const number = nodes.length + 1;
    const [first] = nodes;
    const instanceId = `i-${`${number}`.padStart(17, '0')}`;
    nodes.push({ ...(first as (typeof nodes)[0]), name: `added_${number}`, instanceId, address: `10.77.0.${number}` });
    delete nodes[number - 1]?.connectsFrom;
  }
}

const streams = (hosts: Hosts, node: string) =>
  waitFor(`${node} streams`, 30, () => hosts.sql(node, 'SELECT status FROM pg_stat_wal_receiver') === 'streaming');

describe.sequential('a change of the cluster', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('reaches a running standby, by a reload where that is enough', async () => {
    addObserverSubnet(hosts, '10.20.0.0/16');
    hosts.cluster.postgres.walKeepSegments = 32;
    const before = hosts.postmasterOf('beta');
    expect(await hosts.succeed('beta', 'configure-standby')).toEqual({
      changed: true,
      restarted: false,
      raised: [],
      settings: ['max_slot_wal_keep_size', 'wal_keep_size'],
      configurationFailure: null,
    });
    expect(hosts.postmasterOf('beta')).toBe(before);
    expect(hosts.sql('beta', 'SHOW wal_keep_size')).toBe('512MB');
    expect(linesOf(hosts, 'beta')).toContain('|10.20.0.0|255.255.0.0|');
    expect(inForce(hosts, 'beta')).toBe('t');
    expect(await hosts.succeed('beta', 'configure-standby')).toMatchObject({ changed: false, settings: [] });
  });

  it('restarts a standby that needs it, which streams again before the next one is touched', async () => {
    addNodes(hosts, 3);
    for (const node of ['beta', 'gamma']) {
      expect(await hosts.succeed(node, 'configure-standby')).toMatchObject({
        restarted: true,
        settings: expect.arrayContaining(['max_replication_slots']),
        configurationFailure: null,
      });
      expect(hosts.sql(node, 'SELECT status FROM pg_stat_wal_receiver')).toBe('streaming');
      expect(hosts.sql(node, 'SHOW max_replication_slots')).toBe('12');
      expect(hosts.sql(node, 'SELECT count(*) FROM pg_settings WHERE pending_restart')).toBe('0');
    }
    await hosts.succeed('alpha', 'configure-primary');
    await hosts.succeed('alpha', 'ensure-roles-and-slots', primary);
    expect(linesOf(hosts, 'beta')).toBe(linesOf(hosts, 'alpha'));
    expect(linesOf(hosts, 'gamma')).toBe(linesOf(hosts, 'alpha'));
  });

  it('reaches a standby that was stopped meanwhile when it is started', async () => {
    hosts.stop('gamma');
    addNodes(hosts, 1);
    expect(await hosts.succeed('gamma', 'start-standby', primary)).toMatchObject({
      started: true,
      configurationFailure: null,
    });
    expect(linesOf(hosts, 'gamma')).toContain('|10.77.0.7|');
    expect(inForce(hosts, 'gamma')).toBe('t');
    expect(hosts.sql('gamma', 'SHOW max_replication_slots')).toBe('14');
    expect(hosts.sql('gamma', 'SELECT count(*) FROM pg_settings WHERE pending_restart')).toBe('0');
    await streams(hosts, 'gamma');
  });

  it('reaches a standby that runs when it is pointed to its primary, which restarts none', async () => {
    const before = hosts.postmasterOf('beta');
    // A node more asks for larger limits. Its primary does not have them yet, so it can follow without.
    expect(await hosts.succeed('beta', 'start-standby', primary)).toMatchObject({ changed: true, started: false });
    expect(hosts.postmasterOf('beta')).toBe(before);
    expect(linesOf(hosts, 'beta')).toContain('|10.77.0.7|');
    expect(await hosts.succeed('beta', 'start-standby', primary)).toMatchObject({ changed: false });
  });

  it('reaches a node that is promoted before any setup has run', async () => {
    addObserverSubnet(hosts, '10.21.0.0/16');
    await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' });
    const wanted = { ...rule('alpha', 'gamma'), MinimumLsn: '0/0' };
    expect(await hosts.succeed('beta', 'promote', wanted)).toMatchObject({
      promoted: true,
      configurationFailure: null,
    });
    expect(linesOf(hosts, 'beta')).toContain('|10.21.0.0|');
    expect(inForce(hosts, 'beta')).toBe('t');
    expect(await hosts.succeed('beta', 'promote', wanted)).toMatchObject({ changed: false, promoted: false });
  });
});

describe.sequential('a node that cannot be brought up to date', () => {
  let hosts: Hosts;
  let rules: string;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
    rules = join(hosts.dataOf('beta'), 'pg_hba.conf');
    appendFileSync(rules, 'host all all 10.0.0.0/8 sesame\n');
    addObserverSubnet(hosts, '10.20.0.0/16');
    hosts.cluster.postgres.walKeepSegments = 32;
  });
  afterAll(() => hosts.remove());

  const refused = { error: 'ConfigurationRefused', message: expect.stringContaining('sesame') };

  it('is a standby all the same, and says why', async () => {
    const former = readFileSync(rules, 'utf8');
    for (const command of ['configure-standby', 'start-standby'] as const) {
      expect(await hosts.succeed('beta', command, primary)).toMatchObject({ configurationFailure: refused });
    }
    await streams(hosts, 'beta');
    expect(readFileSync(rules, 'utf8')).toBe(former);
    // One half of it does not wait for the other.
    expect(hosts.sql('beta', 'SHOW wal_keep_size')).toBe('512MB');
  });

  it('is not prepared to take the place of a primary that runs', async () => {
    expect(await hosts.refuse('beta', 'prepare-promotion', rule('alpha', 'gamma'))).toMatchObject(refused);
    expect(hosts.sql('beta', 'SHOW synchronous_standby_names')).toBe('');
  });

  it('does not take longer than it is given', async () => {
    const restore = hosts.replaceProgram('awk', ['sleep 600']);
    const run = await hosts.run('gamma', 'start-standby', primary, {
      instead: { 'configuration_limit=15': 'configuration_limit=2' },
    });
    restore();
    expect(run.answer).toMatchObject({
      ok: true,
      result: { configurationFailure: { message: expect.stringContaining('has not ended within 2 s') } },
    });
    expect(run.milliseconds).toBeLessThan(60_000);
    // What was stopped on its way has left nothing half done, and keeps nobody out.
    expect(await hosts.succeed('gamma', 'start-standby', primary)).toMatchObject({
      changed: true,
      configurationFailure: null,
    });
    expect(linesOf(hosts, 'gamma')).toContain('|10.20.0.0|');
  });

  it('becomes the primary when there is no other, with the rule for its commits in force', async () => {
    // Nor is there room for the slots of all others.
    addNodes(hosts, 11);
    await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' });
    expect(await hosts.succeed('beta', 'promote', { ...rule('alpha', 'gamma'), MinimumLsn: '0/0' })).toMatchObject({
      promoted: true,
      configurationFailure: { message: expect.stringContaining('replication slots') },
    });
    expect(hosts.sql('beta', 'SHOW synchronous_standby_names')).toBe('FIRST 1 ("alpha","gamma")');
    expect(hosts.sql('beta', "SELECT count(*) FROM pg_replication_slots WHERE slot_name IN ('alpha', 'gamma')")).toBe(
      '2',
    );
    await hosts.succeed('gamma', 'start-standby', { Primary: 'beta' });
    expect(hosts.sql('beta', 'SELECT application_name, sync_state FROM pg_stat_replication')).toBe('gamma|sync');
  });

  it('is mended by setup when its cause is', async () => {
    writeFileSync(rules, readFileSync(rules, 'utf8').replace(/^.*sesame\n/m, ''));
    expect(await hosts.succeed('beta', 'configure-primary')).toMatchObject({ changed: true });
    expect(linesOf(hosts, 'beta')).toBe(linesOf(hosts, 'gamma'));
  });
});

describe.sequential('TLS that is switched on later', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts({ names: ['alpha', 'beta'], replication: { tls: false } });
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  it('has a certificate on every node, and none is restarted for it', async () => {
    const before = hosts.postmasterOf('beta');
    hosts.cluster.replication.tls = true;
    expect(await hosts.succeed('beta', 'configure-standby')).toMatchObject({ settings: ['ssl'], restarted: false });
    await hosts.succeed('alpha', 'configure-primary');
    expect(await hosts.succeed('beta', 'start-standby', primary)).toMatchObject({ configurationFailure: null });
    expect(hosts.postmasterOf('beta')).toBe(before);
    await hosts.succeed('alpha', 'fence-primary', { Mode: 'any' });
    await hosts.succeed('beta', 'promote', { ...rule('alpha'), MinimumLsn: '0/0' });
    await hosts.succeed('alpha', 'follow-primary', { Primary: 'beta' });
    await hosts.succeed('alpha', 'start-standby', { Primary: 'beta' });
    expect(
      hosts.sql('beta', 'SELECT ssl, application_name FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)'),
    ).toBe('t|alpha');
  });
});
