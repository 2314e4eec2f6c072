/** A stopped node becomes a standby of another primary as it is, or says why it cannot. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../local/client/wait-for.ts';
import { execAsPostgres, Hosts } from './hosts.ts';

describe.sequential('follow-primary', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  const promote = async (node: string) => {
    hosts.sql(node, 'SELECT pg_promote()');
    await hosts.succeed(node, 'ensure-roles-and-slots', { Primary: node });
  };

  it('has a former primary that was stopped cleanly follow the new one, without a copy', async () => {
    hosts.sql('alpha', 'CREATE TABLE kept AS SELECT 1 AS id');
    hosts.stop('alpha');
    await promote('beta');
    expect(await hosts.succeed('alpha', 'follow-primary', { Primary: 'beta' })).toEqual({
      changed: true,
      running: false,
      primaryTimeline: 2,
    });
    await hosts.succeed('alpha', 'start-standby', { Primary: 'beta' });
    const streaming = "SELECT state FROM pg_stat_replication WHERE application_name = 'alpha'";
    expect(hosts.sql('beta', streaming)).toBe('streaming');
    hosts.sql('beta', 'INSERT INTO kept VALUES (2)');
    await waitFor('the row on alpha', 20, () => hosts.sql('alpha', 'SELECT count(*) FROM kept') === '2');
    expect(hosts.sql('alpha', 'SHOW synchronous_standby_names')).toBe('');
  });

  it('has a standby follow that was stopped when the primary changed, and changes nothing the second time', async () => {
    hosts.stop('gamma');
    expect(await hosts.succeed('gamma', 'follow-primary', { Primary: 'beta' })).toMatchObject({ changed: true });
    expect(await hosts.succeed('gamma', 'follow-primary', { Primary: 'beta' })).toMatchObject({ changed: false });
    await hosts.succeed('gamma', 'start-standby', { Primary: 'beta' });
    expect(await hosts.succeed('gamma', 'follow-primary', { Primary: 'beta' })).toMatchObject({
      changed: false,
      running: true,
    });
  });

  it('refuses a primary that runs, and a node that would follow itself', async () => {
    expect(await hosts.refuse('beta', 'follow-primary', { Primary: 'alpha' })).toMatchObject({
      error: 'NodeRunsAsPrimary',
    });
    expect(await hosts.refuse('beta', 'follow-primary', { Primary: 'beta' })).toMatchObject({
      error: 'InvalidInput',
    });
  });

  it('refuses a former primary that crashed: nobody knows where its WAL ends', async () => {
    hosts.stop('beta', 'immediate');
    await promote('alpha');
    const before = hosts.snapshot('beta', /runbook|postmaster/);
    const refusal = await hosts.refuse('beta', 'follow-primary', { Primary: 'alpha' });
    expect(refusal).toMatchObject({ error: 'NodeDiverged', message: expect.stringContaining('in production') });
    expect(hosts.snapshot('beta', /runbook|postmaster/)).toEqual(before);
    expect(existsSync(join(hosts.dataOf('beta'), 'standby.signal'))).toBe(false);
  });

  it('refuses a node whose WAL goes further than where the primary left its timeline, and says where', async () => {
    await hosts.succeed('gamma', 'start-standby', { Primary: 'alpha' });
    hosts.sql('gamma', 'SELECT pg_promote()');
    hosts.sql('alpha', 'SET synchronous_commit = local; INSERT INTO kept VALUES (3)');
    hosts.stop('alpha');
    expect(await hosts.refuse('alpha', 'follow-primary', { Primary: 'gamma' })).toMatchObject({
      error: 'NodeDiverged',
      message: expect.stringMatching(
        /alpha has WAL up to 0\/\w+ on timeline 3, and gamma left that timeline at 0\/\w+/,
      ),
    });
  });

  it('refuses a node that is on a timeline of the same number, from another place', async () => {
    writeFileSync(join(hosts.dataOf('alpha'), 'standby.signal'), '');
    hosts.start('alpha');
    hosts.sql('alpha', 'SELECT pg_promote()');
    hosts.stop('alpha');
    hosts.sql('gamma', 'SELECT pg_switch_wal()');
    expect(await hosts.refuse('alpha', 'follow-primary', { Primary: 'gamma' })).toMatchObject({
      error: 'NodeDiverged',
      message: expect.stringContaining('another timeline 4'),
    });
  });

  it('refuses the data of another cluster', async () => {
    const foreign = new Hosts({ names: ['delta', 'epsilon'] });
    try {
      await foreign.succeed('delta', 'configure-primary');
      foreign.stop('delta');
      execAsPostgres(['cp', '-a', foreign.dataOf('delta'), join(hosts.homeOf('alpha'), 'foreign')]);
      renameSync(hosts.dataOf('alpha'), join(hosts.homeOf('alpha'), 'own'));
      renameSync(join(hosts.homeOf('alpha'), 'foreign'), hosts.dataOf('alpha'));
      expect(await hosts.refuse('alpha', 'follow-primary', { Primary: 'gamma' })).toMatchObject({
        error: 'ForeignData',
        message: expect.stringContaining('system identifier'),
      });
    } finally {
      await foreign.remove();
    }
  });
});
