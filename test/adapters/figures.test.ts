import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metricNamespace } from '../../lambdas/contract/metrics.ts';

const adapter = join(import.meta.dirname, '../../lambdas/adapters/figures.ts');

type Call = readonly [figures: object[], at: string, atOnce: boolean];

/** The lines of the log after these calls, from a process of their own: Powertools writes past any console of ours. */
function linesAfter(...calls: Call[]): Record<string, unknown>[] {
  const program = [
    `import { recordFigures } from ${JSON.stringify(adapter)};`,
    ...calls.map(
      ([figures, at, atOnce]) =>
        `recordFigures(${JSON.stringify(figures)}, new Date(${JSON.stringify(at)}), ${atOnce});`,
    ),
  ].join('\n');
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line));
}

const ofCluster = { Cluster: 'pg-sync' };
const ofNode = { ...ofCluster, Node: 'pg_sync_slave01' };
/** A time of the present day, which CloudWatch accepts. */
const at = (minute: number, second: number) => {
  const today = new Date().toISOString().slice(0, 10);
  return `${today}T00:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}.000Z`;
};
const check = (status: number, lag: number) => [
  { name: 'Status', unit: 'None', value: status, dimensions: ofCluster },
  { name: 'CheckSeconds', unit: 'Seconds', value: 0.1, dimensions: ofCluster },
  { name: 'LagBytes', unit: 'Bytes', value: lag, dimensions: ofNode },
];

it('writes one line per set of dimensions, with these dimensions and no others: alarms look for exactly them', () => {
  const [cluster, node, ...more] = linesAfter([check(3, 7), at(0, 10), true]);
  const metrics = (Dimensions: string[][], Metrics: object[]) => ({
    Timestamp: Date.parse(at(0, 10)),
    CloudWatchMetrics: [{ Namespace: metricNamespace, Dimensions, Metrics }],
  });
  expect(cluster).toEqual({
    _aws: metrics(
      [['Cluster']],
      [
        { Name: 'Status', Unit: 'None' },
        { Name: 'CheckSeconds', Unit: 'Seconds' },
      ],
    ),
    ...ofCluster,
    Status: 3,
    CheckSeconds: 0.1,
  });
  expect(node).toEqual({
    _aws: metrics([['Cluster', 'Node']], [{ Name: 'LagBytes', Unit: 'Bytes' }]),
    ...ofNode,
    LagBytes: 7,
  });
  expect(more).toEqual([]);
});

it('writes the figures of a minute together, with every value, when the next minute begins', () => {
  const minute: Call[] = [
    [check(0, 1), at(0, 35), false],
    [check(0, 2), at(0, 45), false],
    [check(0, 3), at(0, 55), false],
  ];
  expect(linesAfter(...minute)).toEqual([]);
  expect(linesAfter(...minute, [check(0, 4), at(1, 5), false])).toEqual([
    expect.objectContaining({ Status: [0, 0, 0], CheckSeconds: [0.1, 0.1, 0.1] }),
    expect.objectContaining({ Node: 'pg_sync_slave01', LagBytes: [1, 2, 3] }),
  ]);
});

it('writes at once what somebody will want to see at once, and what was waiting with it', () => {
  const lines = linesAfter(
    [check(0, 1), at(0, 35), false],
    [check(3, 2), at(0, 45), true],
    [check(3, 2), at(0, 55), true],
  );
  expect(lines.map(({ Status }) => Status)).toEqual([[0, 3], undefined, 3, undefined]);
});
