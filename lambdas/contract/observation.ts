/**
 * What the observer sees: facts only, no judgement. The observer fills it in, the domain reads it.
 * LSNs are text as PostgreSQL prints them (`0/3000148`), sizes are bytes, ages and lags are seconds.
 */
import * as z from 'zod';

/** Kinds of failure to observe a node; `message` beside it holds the words of PostgreSQL or of the network stack. */
export const observationFailureKinds = [
  'refused', // the host answers and nothing listens on the port
  'timeout', // no answer in time; the message says to what
  'reset', // the connection was accepted and broken off
  'unresolved', // the name does not resolve
  'authentication', // PostgreSQL refused the monitoring user
  'starting-up', // PostgreSQL runs and does not accept connections yet
  'shutting-down', // PostgreSQL runs and does not accept connections any more
  'too-many-connections',
  'query', // connected, but the question failed
  'other',
] as const;

export type ObservationFailureKind = (typeof observationFailureKinds)[number];

/** One row of `pg_stat_replication`. The lags are null on an idle cluster: that is not a failure. */
const replicationRowSchema = z.object({
  user: z.string(),
  applicationName: z.string(),
  clientAddress: z.string().nullable(),
  state: z.string(),
  syncState: z.string(),
  /** 0 when synchronous_standby_names does not name it. */
  syncPriority: z.number(),
  sentLsn: z.string().nullable(),
  flushLsn: z.string().nullable(),
  replayLsn: z.string().nullable(),
  /** Bytes of WAL between the primary's position and the standby's flush; null when the standby has not reported. */
  flushLagBytes: z.number().nullable(),
  replayLagBytes: z.number().nullable(),
  writeLagSeconds: z.number().nullable(),
  flushLagSeconds: z.number().nullable(),
  replayLagSeconds: z.number().nullable(),
  /** Age of the standby's last reply, which carries the standby's clock: as exact as the two clocks agree. */
  replyAgeSeconds: z.number().nullable(),
});

export type ReplicationRow = z.infer<typeof replicationRowSchema>;

/** A setting as `pg_settings` has it: its value counts in `unit`, and where that value comes from. */
const settingFactSchema = z.object({
  name: z.string(),
  setting: z.string(),
  unit: z.string().nullable(),
  sourceFile: z.string().nullable(),
  sourceLine: z.number().nullable(),
  /** A file holds another value, which only a restart puts in force. */
  pendingRestart: z.boolean(),
});

export type SettingFact = z.infer<typeof settingFactSchema>;

/** Facts of a node that answered. */
export const nodeFactsSchema = z.object({
  /** `server_version_num`, such as 150018. */
  versionNumber: z.number(),
  inRecovery: z.boolean(),
  /** Timeline that a primary writes, or that a standby has received (or, without a receiver, has replayed). */
  timeline: z.number(),
  systemIdentifier: z.string(),
  /** Since when the server runs without a restart, be it of the postmaster or after a crash of one of its processes. */
  startedAt: z.string(),
  /** Current WAL position of a primary, last received position of a standby. */
  lsn: z.string().nullable(),
  /** Where the oldest WAL begins that a primary still has; null on a standby. */
  oldestWalLsn: z.string().nullable(),
  /** Last replayed position of a standby; null on a primary. */
  replayedLsn: z.string().nullable(),
  replayPaused: z.boolean(),
  synchronousStandbyNames: z.string(),
  synchronousCommit: z.string(),
  /** Managed settings and synchronous_standby_names; what this version does not know is not among them. */
  settings: z.array(settingFactSchema),
  replication: z.array(replicationRowSchema),
  /** A standby's WAL receiver and where it streams from; null without one. */
  walReceiver: z
    .object({
      status: z.string(),
      senderHost: z.string().nullable(),
      senderPort: z.number().nullable(),
      /** Age of the last message from the primary. */
      messageAgeSeconds: z.number().nullable(),
    })
    .nullable(),
  slots: z.array(
    z.object({
      name: z.string(),
      active: z.boolean(),
      retainedBytes: z.number().nullable(),
      /** `reserved`, `extended`, `unreserved` or `lost`; null before version 13. */
      walStatus: z.string().nullable(),
    }),
  ),
  /**
   * Sessions whose commit waits for a synchronous standby. PostgreSQL does not say since when: the age counts from
   * the start of the statement, which is the wait itself for a COMMIT and an upper bound for anything else.
   */
  blockedSessions: z.object({
    count: z.number(),
    oldestSeconds: z.number(),
    /** The oldest few transactions, named so that the same one is recognised in the next observation. */
    transactions: z.array(z.string()),
  }),
});

export type NodeFacts = z.infer<typeof nodeFactsSchema>;

/** One node as the observer saw it. */
const nodeObservationSchema = z.discriminatedUnion('answered', [
  z.object({ answered: z.literal(true), node: z.string(), facts: nodeFactsSchema }),
  z.object({
    answered: z.literal(false),
    node: z.string(),
    failure: z.object({ kind: z.enum(observationFailureKinds), message: z.string() }),
  }),
]);

export type NodeObservation = z.infer<typeof nodeObservationSchema>;

/** All nodes of a cluster at one moment, in the order of `clusters.json`. */
export const observationSchema = z.object({ nodes: z.array(nodeObservationSchema) });

export type Observation = z.infer<typeof observationSchema>;

/** Input of the observer: it has no way to fetch credentials itself. */
export const observeInputSchema = z.strictObject({
  credentials: z.strictObject({ user: z.string(), password: z.string() }),
});
