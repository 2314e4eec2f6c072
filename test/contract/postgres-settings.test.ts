import { describe, expect, it } from 'vitest';
import { parseClusters } from '../../lambdas/contract/load-clusters.ts';
import { managedSettings, requiredWalSenders } from '../../lambdas/contract/postgres-settings.ts';
import { type ClusterInFile, exampleCluster } from './clusters-fixture.ts';

/** Settings of the example cluster after a change, by name. */
function settingsAfter(change: (cluster: ClusterInFile) => void): Record<string, string> {
  const [cluster] = parseClusters(JSON.stringify([exampleCluster(change)]), 'test');
  if (cluster === undefined) throw new Error('no cluster');
  return Object.fromEntries(managedSettings(cluster).map(({ name, value }) => [name, value]));
}

describe('WAL kept for standbys, 512 segments of 16 MB', () => {
  it('is counted in segments on 12, which knows no bound for slots', () => {
    const settings = settingsAfter(() => {});
    expect(settings).toMatchObject({ wal_keep_segments: '512' });
    expect(settings).not.toHaveProperty('wal_keep_size');
    expect(settings).not.toHaveProperty('max_slot_wal_keep_size');
  });

  it.each([13, 14, 15, 16, 17, 18])('is a size on %i, and slots are bounded', (majorVersion) => {
    const settings = settingsAfter(({ postgres }) => {
      postgres.majorVersion = majorVersion;
    });
    expect(settings).toMatchObject({ wal_keep_size: '8192MB', max_slot_wal_keep_size: '16384MB' });
    expect(settings).not.toHaveProperty('wal_keep_segments');
  });

  it('takes the bound for slots that is configured', () => {
    const settings = settingsAfter(({ postgres }) => {
      postgres.majorVersion = 15;
      postgres.slotKeepSegments = 600;
    });
    expect(settings.max_slot_wal_keep_size).toBe('9600MB');
  });
});

it('never holds synchronous_standby_names, which is set only once standbys stream', () => {
  expect(settingsAfter(() => {})).not.toHaveProperty('synchronous_standby_names');
});

it('follows the configured commit level, authentication and TLS', () => {
  const settings = settingsAfter((cluster) => {
    cluster.replication = { commitLevel: 'remote_apply', authentication: 'md5', tls: false };
  });
  expect(settings).toMatchObject({ synchronous_commit: 'remote_apply', password_encryption: 'md5', ssl: 'off' });
});

it('has walsenders for a base backup of every standby at once', () => {
  expect([2, 3, 5, 32].map(requiredWalSenders)).toEqual([3, 5, 9, 63]);
  expect(settingsAfter(() => {}).max_wal_senders).toBe('5');
  expect(
    settingsAfter(({ postgres }) => {
      postgres.maxWalSenders = 20;
    }).max_wal_senders,
  ).toBe('20');
});
