import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace } from '../contract/metrics.ts';
import type { Figure } from '../domain/metrics.ts';

/** Figures of the minute under way that are not written yet, by their dimensions; kept while this instance lives. */
const unwritten = new Map<string, Metrics>();
let unwrittenMinute = 0;

const minuteOf = (at: Date): number => Math.floor(at.getTime() / 60_000);

/**
 * Writes figures as log lines in CloudWatch's embedded metric format: one line per set of dimensions, no call.
 * Log lines cost by their length, so the figures of a minute share them, each with all its values: they are written
 * with the first check of the next minute. An instance that ends takes what is not written with it.
 *
 * @param atOnce writes now, because somebody will want to see these figures now
 */
export function recordFigures(figures: readonly Figure[], at: Date, atOnce: boolean): void {
  if (minuteOf(at) !== unwrittenMinute) write();
  unwrittenMinute = minuteOf(at);
  for (const { name, unit, value, dimensions } of figures) metricsFor(dimensions, at).addMetric(name, unit, value);
  if (atOnce) write();
}

function metricsFor(dimensions: Figure['dimensions'], at: Date): Metrics {
  const key = JSON.stringify(dimensions);
  let metrics = unwritten.get(key);
  if (metrics === undefined) {
    metrics = new Metrics({ namespace: metricNamespace });
    // Without the dimension `service`, which Powertools adds: to CloudWatch it would be another metric.
    metrics.clearDefaultDimensions();
    metrics.addDimensions(dimensions);
    metrics.setTimestamp(at);
    unwritten.set(key, metrics);
  }
  return metrics;
}

function write(): void {
  for (const metrics of unwritten.values()) metrics.publishStoredMetrics();
  unwritten.clear();
}
