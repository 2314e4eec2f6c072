import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace } from '../contract/metrics.ts';
import type { Figure } from '../domain/metrics.ts';

/** Writes figures as log lines in CloudWatch's embedded metric format: one line per set of dimensions, no call. */
export function recordFigures(figures: readonly Figure[]): void {
  const bySet = Map.groupBy(figures, ({ dimensions }) => JSON.stringify(dimensions));
  for (const [dimensions, group] of bySet) {
    const metrics = new Metrics({ namespace: metricNamespace });
    // Without the dimension `service`, which Powertools adds: to CloudWatch it would be another metric.
    metrics.clearDefaultDimensions();
    metrics.addDimensions(JSON.parse(dimensions));
    for (const { name, unit, value } of group) metrics.addMetric(name, unit, value);
    metrics.publishStoredMetrics();
  }
}
