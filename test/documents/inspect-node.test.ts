/** What inspect-node says of a node in the situations that a rejoin meets. It changes nothing. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeInspection, nodeInspectionSchema } from '../../lambdas/contract/node-inspection.ts';
import { installedPostgres } from '../support/installed-postgres.ts';
import { Hosts } from './hosts.ts';

describe.sequential('inspect-node', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = new Hosts();
    await hosts.setUp();
  });
  afterAll(() => hosts.remove());

  const inspect = async (node: string, primary: string): Promise<NodeInspection> =>
    nodeInspectionSchema.parse(await hosts.succeed(node, 'inspect-node', { Primary: primary }));

  it('sees a standby that streams', async () => {
    const seen = await inspect('beta', 'alpha');
    expect(seen).toMatchObject({
      primary: {
        timeline: 1,
        segmentBytes: 16 * 1024 * 1024,
        slot: { active: true, lost: false },
      },
      dataDirectory: {
        state: 'postgres',
        majorVersion: `${installedPostgres().majorVersion}`,
        standbySignal: true,
        isMountPoint: false,
        linkTo: null,
      },
      server: { inRecovery: true, timeline: 1, receiver: 'streaming', followers: 0, failure: null },
      control: { hintsLogged: true, timeline: 1 },
      follows: true,
      diverged: null,
      damaged: null,
      occupiedTablespaces: [],
      fenced: false,
      enabled: true,
      formerData: false,
      portTakenBy: null,
    });
    expect(seen.dataDirectory.systemIdentifier).toBe(seen.primary.systemIdentifier);
    expect(seen.control?.systemIdentifier).toBe(seen.primary.systemIdentifier);
    expect(seen.primary.dataBytes).toBeGreaterThan(10_000_000);
  });

  it('sees a stopped standby, and leaves everything as it is', async () => {
    hosts.stop('beta');
    const before = hosts.snapshot('beta');
    expect(await inspect('beta', 'alpha')).toMatchObject({
      server: null,
      control: { state: 'shut down in recovery' },
      follows: true,
      diverged: null,
    });
    expect(hosts.snapshot('beta')).toEqual(before);
  });

  it('sees a former primary that crashed, and one that runs beside the new primary', async () => {
    await hosts.succeed('beta', 'start-standby', { Primary: 'alpha' });
    hosts.stop('alpha', 'immediate');
    hosts.sql('beta', 'SELECT pg_promote()');
    expect(await inspect('alpha', 'beta')).toMatchObject({
      server: null,
      control: { state: 'in production' },
      follows: false,
      diverged: expect.stringContaining('not shut down cleanly'),
      primary: { slot: null, timeline: 2 },
      dataDirectory: { standbySignal: false },
    });
    hosts.start('alpha');
    hosts.sql('alpha', 'SET synchronous_commit = local; CREATE TABLE fork ()');
    expect(await inspect('alpha', 'beta')).toMatchObject({
      server: { inRecovery: false, timeline: 1 },
      diverged: expect.stringMatching(/^alpha has WAL up to \S+ on timeline 1, and beta left that timeline at/),
    });
    hosts.stop('alpha');
  });

  it('says whose data it is by the WAL when the control file is damaged', async () => {
    writeFileSync(join(hosts.dataOf('alpha'), 'global/pg_control'), Buffer.alloc(8192, 7));
    const seen = await inspect('alpha', 'beta');
    expect(seen).toMatchObject({
      control: null,
      controlFailure: expect.stringContaining('pg_control'),
      server: null,
    });
    expect(seen.dataDirectory.systemIdentifier).toBe(seen.primary.systemIdentifier);
  });

  it('sees an empty directory, and one that is not PostgreSQL’s', async () => {
    rmSync(hosts.dataOf('alpha'), { recursive: true });
    expect(await inspect('alpha', 'beta')).toMatchObject({ dataDirectory: { state: 'absent' }, control: null });
    writeFileSync(hosts.dataOf('alpha'), 'a file');
    expect(await inspect('alpha', 'beta')).toMatchObject({ dataDirectory: { state: 'other', sample: ['data'] } });
  });
});
