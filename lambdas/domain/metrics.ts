/** Figures of one check for CloudWatch: few dimensions, because each combination of them is paid for. */
import type { Cluster } from '../contract/cluster-config.ts';
import { type Health, statuses } from '../contract/health.ts';
import type { ClusterMetric, NodeMetric } from '../contract/metrics.ts';
import type { Observation } from '../contract/observation.ts';
import { lagSeconds } from './standby-findings.ts';
import { walsenderOf } from './survey.ts';

export interface Figure {
  readonly name: ClusterMetric | NodeMetric;
  readonly unit: 'Count' | 'Bytes' | 'Seconds' | 'None';
  readonly value: number;
  readonly dimensions: Record<string, string>;
}

/** What a check saw. A figure that nobody can know, such as the lag while the primary is away, is left out. */
export function metricsOf(cluster: Cluster, observation: Observation, health: Health): Figure[] {
  const dimensions = { Cluster: cluster.name };
  const figure = (name: Figure['name'], unit: Figure['unit'], value: number): Figure => ({
    name,
    unit,
    value,
    dimensions,
  });
  const status = figure('Status', 'None', statuses.indexOf(health.status));
  const seen = observation.nodes.find(({ node }) => node === health.evidence.primary);
  if (seen?.answered !== true || seen.facts.inRecovery) return [status];
  const { facts } = seen;
  const streaming = cluster.nodes.flatMap(({ name }) => {
    const row = walsenderOf(facts, name);
    return row?.state === 'streaming' ? [{ name, row }] : [];
  });
  return [
    status,
    figure('StandbysStreaming', 'Count', streaming.length),
    figure('SynchronousStandbys', 'Count', health.evidence.synchronous?.standbys.length ?? 0),
    figure('BlockedSessions', 'Count', facts.blockedSessions.count),
    figure('OldestWaitSeconds', 'Seconds', facts.blockedSessions.oldestSeconds),
    figure('SlotRetainedBytes', 'Bytes', Math.max(0, ...facts.slots.map(({ retainedBytes }) => retainedBytes ?? 0))),
    ...streaming.flatMap(({ name, row }) => {
      const ofNode = { ...dimensions, Node: name };
      return [
        {
          ...figure('LagBytes', 'Bytes', Math.max(0, row.replayLagBytes ?? row.flushLagBytes ?? 0)),
          dimensions: ofNode,
        },
        { ...figure('LagSeconds', 'Seconds', lagSeconds(row)), dimensions: ofNode },
      ];
    }),
  ];
}

/** How long a check took. */
export function checkSeconds(cluster: Cluster, started: Date, ended: Date): Figure {
  const value = (ended.getTime() - started.getTime()) / 1000;
  return { name: 'CheckSeconds', unit: 'Seconds', value, dimensions: { Cluster: cluster.name } };
}
