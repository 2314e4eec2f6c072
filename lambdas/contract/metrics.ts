/** The CloudWatch metrics that every check records: the checker writes them, alarms and the dashboard read them. */

export const metricNamespace = 'PgSyncRunbooks';

/**
 * Metrics of a cluster, in the dimension `Cluster`. `Status` is the place of the status in `statuses`, worst last;
 * `SlotRetainedBytes` is that of the slot that retains most. Each metric costs, so a few say it all.
 */
export const clusterMetrics = [
  'Status',
  'StandbysStreaming',
  'SynchronousStandbys',
  'BlockedSessions',
  'OldestWaitSeconds',
  'SlotRetainedBytes',
  'CheckSeconds',
] as const;
export type ClusterMetric = (typeof clusterMetrics)[number];

/** Metrics of a standby, in the dimensions `Cluster` and `Node`, the name that `clusters.json` gives it. */
export const nodeMetrics = ['LagBytes', 'LagSeconds'] as const;
export type NodeMetric = (typeof nodeMetrics)[number];
