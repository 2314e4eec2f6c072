/** The metrics that the checker records, and those of its functions, as alarms and the dashboard read them. */
import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { type ClusterMetric, metricNamespace, type NodeMetric } from '../lambdas/contract/metrics.ts';

const period = Duration.minutes(1);

/** A metric of the cluster; of the checks within a minute the worst counts. */
export function clusterMetric(cluster: Cluster, metricName: ClusterMetric, statistic = 'Maximum'): Metric {
  const dimensionsMap = { Cluster: cluster.name };
  return new Metric({ namespace: metricNamespace, metricName, dimensionsMap, statistic, period });
}

/** The same metric of every node: each can become a standby. A node without one has no line. */
export function nodeMetrics(cluster: Cluster, metricName: NodeMetric): Metric[] {
  return cluster.nodes.map(
    ({ name }) =>
      new Metric({
        namespace: metricNamespace,
        metricName,
        dimensionsMap: { Cluster: cluster.name, Node: name },
        statistic: 'Maximum',
        period,
        label: name,
      }),
  );
}

/** Checks and observations that failed within a minute. */
export function failures(checkCluster: IFunction, observer: IFunction): IMetric {
  return new MathExpression({
    expression: 'FILL(checks, 0) + FILL(observations, 0)',
    usingMetrics: {
      checks: checkCluster.metricErrors({ period, statistic: 'Sum' }),
      observations: observer.metricErrors({ period, statistic: 'Sum' }),
    },
    label: 'Failures',
    period,
  });
}
