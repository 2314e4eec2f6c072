/**
 * What the checker makes of an observation, and what it remembers from one check to the next.
 * The checker's state is one JSON document per cluster; it holds nothing that changes while a cluster is healthy, so
 * that a healthy check writes nothing.
 */
import * as z from 'zod';
import { lsnSchema } from './lsn.ts';

/** From best to worst; the place in this list is the value of the metric. */
export const statuses = ['healthy', 'degraded', 'unknown', 'writes-blocked', 'primary-down', 'split-brain'] as const;
export type Status = (typeof statuses)[number];

/** From least to most; `info` is shown and never sent. */
export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Kinds of findings, the order in which an alert lists those of equal severity. */
export const findingKinds = [
  'TwoPrimaries', // more than one node accepts writes
  'PrimaryDown', // the primary accepts no connections and no standby receives from it
  'NoPrimary', // every node that answers is a standby
  'WritesBlocked', // commits wait, or the next one will
  'DurabilityRisk', // commits that waited when the primary restarted are on no standby yet
  'SynchronousReplicationSuspended', // commits return without a standby for a limited time, as the allow-async runbook allowed
  'CommitsNotReplicated', // the primary's settings let commits return without a standby
  'PrimaryUnobservable', // the observer gets no answer, and nothing says that the primary is down
  'StandbyDown', // no WAL is sent to it and nothing listens there
  'StandbyUnreachable', // no WAL is sent to it and it does not answer
  'StandbyNotStreaming', // its PostgreSQL runs and does not stream
  'SynchronousStandbyChanged', // another standby than the preferred one is synchronous
  'StandbyNeedsRebuild', // the WAL that it needs is gone
  'StandbyOnAnotherTimeline',
  'ForeignData', // its data directory belongs to another cluster
  'StandbyLagging',
  'ReplayPaused',
  'DuplicateApplicationName',
  'SlotMissing',
  'SlotRetainsTooMuch',
  'NodeUnobservable', // it replicates, but the observer cannot ask it
  'ConfigurationDrift',
  'AutomationHeld', // what had to be known before a runbook starts by itself could not be read
  'ClusterNotSetUp',
] as const;
export type FindingKind = (typeof findingKinds)[number];

const findingSchema = z.object({
  kind: z.enum(findingKinds),
  /** The trouble's identity from one check to the next: what has been told is not told again. */
  key: z.string(),
  node: z.string().nullable(),
  severity: z.enum(severities),
  /** One sighting is enough; otherwise the finding has to last before it is sent. */
  certain: z.boolean(),
  /** A few words that read on a lock screen. */
  title: z.string(),
  /** What was seen, in a sentence or two. */
  message: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

/** What a check must know of earlier ones to judge an observation. */
export const checkerMemorySchema = z.object({
  /** The cluster has been seen replicating synchronously, or as a standby whose primary is gone. */
  setUp: z.boolean(),
  /** The primary as it was seen last. */
  primary: z.object({ node: z.string(), startedAt: z.string() }).nullable(),
  /**
   * The rule for commits as it was last seen in force on a living primary, and the standbys that fulfilled it then.
   * A failover needs it when the primary cannot be asked any more.
   */
  synchronous: z
    .object({
      node: z.string(),
      /** synchronous_standby_names of that primary; empty when commits waited for nobody. */
      standbyNames: z.string(),
      /** Its synchronous_commit. */
      commitLevel: z.string(),
      /** Standbys that commits waited for, in alphabetical order. */
      standbys: z.array(z.string()),
      /** Since when this has been so, as far as it was seen. */
      since: z.iso.datetime(),
    })
    .nullable()
    .default(null),
  /** Standbys above the limits for lag: they stay lagging until they are well below. */
  lagging: z.array(z.string()),
  /** Commits that were seen waiting for longer than a healthy one does. */
  waiting: z.object({ node: z.string(), since: z.iso.datetime(), transactions: z.array(z.string()) }).nullable(),
  /** Commits up to this position returned, or became visible, without a standby. */
  durabilityRisk: z
    .object({
      node: z.string(),
      lsn: lsnSchema,
      since: z.iso.datetime(),
      /** Why: the primary restarted while commits waited, or commits were allowed to return without a standby. */
      cause: z.enum(['restart', 'suspension']).default('restart'),
    })
    .nullable(),
  /** Commits after this position return without a standby, for the time being, by an allowance. */
  suspension: z.object({ node: z.string(), lsn: lsnSchema, since: z.iso.datetime() }).nullable(),
  /**
   * Parts of the memory that could not be read and may have told of commits that are on the primary alone. All of them
   * are before the position at which the primary was seen next: null until it has been, and once standbys hold that.
   */
  unread: z
    .object({ parts: z.array(z.string()).min(1), node: z.string().nullable(), lsn: lsnSchema.nullable() })
    .nullable()
    .default(null),
  /** Parts that could not be read and may have kept runbooks from starting by themselves; until somebody starts maintenance. */
  held: z.array(z.string()).default([]),
});
export type CheckerMemory = z.infer<typeof checkerMemorySchema>;

/** The observation in the form in which alerts and the dashboard show it. */
export interface Evidence {
  /** The primary that answered, or the node that should be it. */
  readonly primary: string | null;
  /** `pg_stat_replication` as psql prints it; empty when no primary answered. */
  readonly table: readonly string[];
  readonly nodes: readonly { readonly node: string; readonly role: NodeRole; readonly state: string }[];
  /** The rule in force on the primary: standbys that a commit needs, that confirm it now, and that could. */
  readonly synchronous: {
    readonly required: number;
    readonly standbys: readonly string[];
    readonly candidates: readonly string[];
  } | null;
  readonly blocked: { readonly count: number; readonly oldestSeconds: number };
}

const nodeRoles = ['primary', 'standby', 'unknown'] as const;
export type NodeRole = (typeof nodeRoles)[number];

export interface Health {
  readonly status: Status;
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
  /** What the next check has to know. */
  readonly memory: CheckerMemory;
}

/** A finding that an alert has told; kept until it has been gone for a while. */
export const toldFindingSchema = z.object({
  kind: z.enum(findingKinds),
  severity: z.enum(severities),
  title: z.string(),
  /** Since when it has not been seen; null while it is. */
  goneSince: z.iso.datetime().nullable(),
  /** How often it has come back lately: the more often, the longer it must be gone. */
  returns: z.number(),
});
export type ToldFinding = z.infer<typeof toldFindingSchema>;

export const incidentSchema = z.object({
  id: z.string(),
  /** When the first of its findings was seen. */
  since: z.iso.datetime(),
  openedAt: z.iso.datetime(),
  /** When anything was last sent about it: reminders count from here. */
  lastSentAt: z.iso.datetime(),
  /** By key. */
  told: z.record(z.string(), toldFindingSchema),
  /** Time during which writes did not go through: seconds that are over, and since when now. */
  writesStopped: z.object({ seconds: z.number(), since: z.iso.datetime().nullable() }),
});
export type Incident = z.infer<typeof incidentSchema>;

export const maintenanceSchema = z.object({ until: z.iso.datetime(), reason: z.string() });
export type Maintenance = z.infer<typeof maintenanceSchema>;

/** Runbooks that the checker has started for one trigger; forgotten when that has been gone for a while. */
export const attemptSchema = z.object({
  count: z.int().min(0),
  /** The last one. */
  at: z.iso.datetime(),
  /** Name of its execution. */
  execution: z.string(),
  /** Since when the trigger has been gone; null while it is there. */
  goneSince: z.iso.datetime().nullable(),
  /** It had its effect: not again before the cluster has been well for a while. */
  spent: z.boolean(),
});

/** What the checker does by itself: since when there has been reason to, and what it has started. */
const automationSchema = z.object({
  /** By trigger: since when it has been there in every check. */
  seen: z.record(z.string(), z.iso.datetime()),
  /** By trigger. */
  attempts: z.record(z.string(), attemptSchema),
});
export type Automation = z.infer<typeof automationSchema>;

/** A finding of the past. */
export const endedFindingSchema = z.object({ at: z.iso.datetime(), returns: z.number() });

export const checkerStateSchema = z.object({
  /** Time of the check that changed the state last; an earlier check is stale. */
  updatedAt: z.iso.datetime().nullable(),
  memory: checkerMemorySchema,
  /** By key: since when a finding has been seen in every check. */
  pending: z.record(z.string(), z.iso.datetime()),
  incident: incidentSchema.nullable(),
  /** By key: findings of the past, to recognise what comes and goes. */
  ended: z.record(z.string(), endedFindingSchema),
  maintenance: maintenanceSchema.nullable(),
  automation: automationSchema,
});
export type CheckerState = z.infer<typeof checkerStateSchema>;
