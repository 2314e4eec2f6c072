import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metricNamespace } from '../../lambdas/contract/metrics.ts';

/** What the lines of the log are when these figures are recorded: Powertools writes past any console of ours. */
function recorded(figures: object[]): Record<string, unknown>[] {
  const adapter = join(import.meta.dirname, '../../lambdas/adapters/figures.ts');
  const program = `import { recordFigures } from ${JSON.stringify(adapter)}; recordFigures(${JSON.stringify(figures)});`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

it('writes one line per set of dimensions, with these dimensions and no others: alarms look for exactly them', () => {
  const ofCluster = { Cluster: 'pg-sync' };
  const ofNode = { ...ofCluster, Node: 'pg_sync_slave01' };
  const lines = recorded([
    { name: 'Status', unit: 'None', value: 3, dimensions: ofCluster },
    { name: 'CheckSeconds', unit: 'Seconds', value: 0.12, dimensions: ofCluster },
    { name: 'LagBytes', unit: 'Bytes', value: 0, dimensions: ofNode },
  ]);
  const metrics = (Dimensions: string[][], Metrics: object[]) => ({
    CloudWatchMetrics: [{ Namespace: metricNamespace, Dimensions, Metrics }],
  });
  expect(lines).toEqual([
    {
      _aws: expect.objectContaining(
        metrics(
          [['Cluster']],
          [
            { Name: 'Status', Unit: 'None' },
            { Name: 'CheckSeconds', Unit: 'Seconds' },
          ],
        ),
      ),
      ...ofCluster,
      Status: 3,
      CheckSeconds: 0.12,
    },
    {
      _aws: expect.objectContaining(metrics([['Cluster', 'Node']], [{ Name: 'LagBytes', Unit: 'Bytes' }])),
      ...ofNode,
      LagBytes: 0,
    },
  ]);
});
