/** A node that does its part and could not be brought up to date: whoever reads the report of a runbook sees it. */
import { describe, expect, it } from 'vitest';
import { requireBuilt } from '../../lambdas/domain/built-standbys.ts';
import { promotionReport } from '../../lambdas/domain/promotion-report.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const configurationFailure = {
  error: 'ConfigurationRefused',
  message: 'PostgreSQL refuses pg_hba.conf: line 105.',
  remedy: 'Repair its lines and start the runbook again.',
};

describe('a node that could not be brought up to date', () => {
  it('ends setup once the others have been built', () => {
    const others = { node: 'b', start: { configurationFailure: null } };
    expect(() => requireBuilt([others, { node: 'a', start: { configurationFailure } }])).toThrow(
      /^a: ConfigurationRefused: PostgreSQL refuses pg_hba.conf: line 105.\n {2}Repair its lines/,
    );
    expect(() => requireBuilt([others, { node: 'c', start: {} }])).not.toThrow();
  });

  it('is named by a switchover or failover that went on without', () => {
    const { summary } = promotionReport(exampleCluster(), {
      runbook: 'switchover',
      plan: { from: 'pg_sync_master', to: 'pg_sync_slave01', mode: 'switch' },
      promoted: { timeline: 2, lsn: '0/5000000', configurationFailure },
      followers: [
        { node: 'pg_sync_master', start: { configurationFailure: null } },
        { node: 'pg_sync_slave02', start: { configurationFailure } },
      ],
      replication: { synchronousStandbyNames: '', table: [] },
    });
    expect(summary.filter((line) => line.includes('could not be brought up to date'))).toEqual([
      expect.stringMatching(/^pg_sync_slave01 .*ConfigurationRefused.*line 105/),
      expect.stringMatching(/^pg_sync_slave02 .*ConfigurationRefused.*line 105/),
    ]);
  });
});
