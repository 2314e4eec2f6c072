/** What the checker is about to do by itself, as the policy of the cluster has it: who reads an alert need not do it. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { Finding, FindingKind } from '../contract/health.ts';

const rejoinable: ReadonlySet<FindingKind> = new Set([
  'StandbyDown',
  'StandbyNotStreaming',
  'StandbyNeedsRebuild',
  'StandbyOnAnotherTimeline',
]);

/** Sentences for the beginning of the next steps; none where nothing happens by itself. */
export function automaticSteps({ policy }: Cluster, findings: readonly Finding[]): string[] {
  const found = (is: (kind: FindingKind) => boolean) => findings.some(({ kind }) => is(kind));
  return [
    ...(policy.failover === 'automatic' && found((kind) => kind === 'PrimaryDown')
      ? [
          'By itself (policy failover: automatic): a failover is started if two further looks show the same, and a notice says how it ends. It is not if commits may exist on the primary only.',
        ]
      : []),
    ...(policy.whenNoStandby === 'degrade' && found((kind) => kind === 'WritesBlocked')
      ? [
          `By itself (policy whenNoStandby: degrade): if standbys stay missing, writes go on without them for ${policy.degradeMinutes} minutes, once in an incident.`,
        ]
      : []),
    ...(policy.autoRejoin && found((kind) => kind === 'TwoPrimaries')
      ? [
          'By itself (policy autoRejoin): a former primary that has come back, on an older timeline, with its rule in force and followed by nobody, rejoins as a standby. Anything else is left to you.',
        ]
      : []),
    ...(policy.autoRejoin && found((kind) => rejoinable.has(kind))
      ? [
          'By itself (policy autoRejoin): what has fallen out rejoins, one node after the other, if its host can be reached and it does not come back alone; at most three times each, and a notice says how it ends.',
        ]
      : []),
  ];
}
