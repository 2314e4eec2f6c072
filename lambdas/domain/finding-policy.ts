/** What each kind of finding means, and how long it has to last before it is sent: one table. */
import type { Finding, FindingKind, Severity, Status } from '../contract/health.ts';
import { plain } from './plain-text.ts';

const longestTitle = 90;
const longestMessage = 500;

export interface FindingPolicy {
  readonly severity: Severity;
  /** The status of a cluster with this finding is at least this bad. */
  readonly status: Status;
  /** How long a finding that one sighting does not prove has to last: a number of checks in a row, or a time. */
  readonly lasts: { readonly checks: number } | { readonly seconds: number };
  /**
   * Kinds of one topic are the same trouble of the same node, seen at different moments (a standby that is down, then
   * starting, then catching up): it is told once.
   */
  readonly topic: string;
  /** The same trouble whichever node it is seen on. */
  readonly clusterWide: boolean;
  /** It only follows from other findings: that it comes and goes is told by what they do. */
  readonly isConsequence: boolean;
  /** Reminders are sent while it lasts. */
  readonly reminds: boolean;
}

const clusterWideTopics = new Set([
  'two-primaries',
  'primary',
  'writes',
  'durability',
  'commits',
  'synchronous',
  'automation',
  'set-up',
]);

function policy(
  severity: Severity,
  status: Status,
  checks: number,
  topic: string,
  overrides: Partial<FindingPolicy> = {},
): FindingPolicy {
  return {
    severity,
    status,
    lasts: { checks },
    topic,
    clusterWide: clusterWideTopics.has(topic),
    isConsequence: false,
    reminds: true,
    ...overrides,
  };
}

// biome-ignore format: a table
export const findingPolicies: Readonly<Record<FindingKind, FindingPolicy>> = {
  TwoPrimaries:              policy('critical', 'split-brain',    1, 'two-primaries'),
  PrimaryDown:               policy('critical', 'primary-down',   2, 'primary'),
  NoPrimary:                 policy('critical', 'primary-down',   2, 'primary'),
  WritesBlocked:             policy('critical', 'writes-blocked', 2, 'writes'),
  DurabilityRisk:            policy('critical', 'degraded',       1, 'durability'),
  SynchronousReplicationSuspended: policy('warning', 'degraded',  1, 'commits'),
  CommitsNotReplicated:      policy('critical', 'degraded',       1, 'commits'),
  PrimaryUnobservable:       policy('warning',  'unknown',        2, 'primary'),
  StandbyDown:               policy('warning',  'degraded',       1, 'standby'),
  StandbyUnreachable:        policy('warning',  'degraded',       2, 'standby'),
  StandbyNotStreaming:       policy('warning',  'degraded',       2, 'standby'),
  SynchronousStandbyChanged: policy('warning',  'degraded',       2, 'synchronous', { isConsequence: true }),
  StandbyNeedsRebuild:       policy('warning',  'degraded',       1, 'rebuild'),
  StandbyOnAnotherTimeline:  policy('warning',  'degraded',       2, 'timeline'),
  ForeignData:               policy('warning',  'degraded',       1, 'foreign'),
  StandbyLagging:            policy('warning',  'degraded',       3, 'lag'),
  ReplayPaused:              policy('warning',  'degraded',       2, 'replay'),
  DuplicateApplicationName:  policy('warning',  'degraded',       3, 'duplicate'),
  SlotMissing:               policy('warning',  'degraded',       3, 'slot'),
  SlotRetainsTooMuch:        policy('warning',  'degraded',       2, 'slot-size'),
  NodeUnobservable:          policy('warning',  'degraded',       3, 'unobservable'),
  ConfigurationDrift:        policy('warning',  'degraded',       2, 'drift'),
  AutomationHeld:            policy('warning',  'degraded',       1, 'automation'),
  // Deploying comes before setting up: the first minutes are nobody's fault.
  ClusterNotSetUp:           policy('warning',  'unknown',        1, 'set-up', { lasts: { seconds: 120 }, reminds: false }),
};

/** A finding with what the table says of its kind; `detail` tells several of one kind and node apart. */
export function finding(
  kind: FindingKind,
  node: string | null,
  words: { readonly title: string; readonly message: string },
  { detail, ...overrides }: { detail?: string; certain?: boolean; severity?: Severity } = {},
): Finding {
  const { severity, lasts, topic, clusterWide } = findingPolicies[kind];
  const parts = [topic, clusterWide ? null : node, detail];
  return {
    kind,
    key: parts.filter((part) => part !== null && part !== undefined).join(':'),
    node,
    severity,
    certain: 'checks' in lasts && lasts.checks === 1,
    title: plain(words.title, longestTitle),
    message: plain(words.message, longestMessage),
    ...overrides,
  };
}
