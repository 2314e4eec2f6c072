/**
 * What the observer sees: facts only, no judgement. The observer fills it in, the domain reads it.
 * LSNs are text as PostgreSQL prints them (`0/3000148`), sizes are bytes, ages are seconds.
 */
import * as z from 'zod';

/** Kinds of failure to observe a node; `message` beside it holds the words of PostgreSQL or of the network stack. */
export const observationFailureKinds = [
  'refused', // nothing listens there
  'timeout', // no answer in time
  'unresolved', // the name does not resolve
  'authentication', // PostgreSQL refused the monitoring user
  'starting-up', // PostgreSQL runs and does not accept connections yet, or any more
  'too-many-connections',
  'query', // connected, but the question failed
  'other',
] as const;

export type ObservationFailureKind = (typeof observationFailureKinds)[number];

/** One row of `pg_stat_replication`. */
export const replicationRowSchema = z.object({
  user: z.string(),
  applicationName: z.string(),
  clientAddress: z.string().nullable(),
  state: z.string(),
  syncState: z.string(),
  syncPriority: z.number(),
  sentLsn: z.string().nullable(),
  flushLsn: z.string().nullable(),
  replayLsn: z.string().nullable(),
  /** Bytes of WAL between the primary's position and the standby's flush; null when the standby has not reported. */
  flushLagBytes: z.number().nullable(),
});

export type ReplicationRow = z.infer<typeof replicationRowSchema>;

/** Facts of a node that answered. */
export const nodeFactsSchema = z.object({
  /** `server_version_num`, such as 150018. */
  versionNumber: z.number(),
  inRecovery: z.boolean(),
  timeline: z.number(),
  systemIdentifier: z.string(),
  /** Current WAL position of a primary, last received position of a standby. */
  lsn: z.string().nullable(),
  synchronousStandbyNames: z.string(),
  synchronousCommit: z.string(),
  replication: z.array(replicationRowSchema),
  /** A standby's WAL receiver: its status and the address it streams from; null without one. */
  walReceiver: z.object({ status: z.string(), senderHost: z.string().nullable() }).nullable(),
  slots: z.array(z.object({ name: z.string(), active: z.boolean(), retainedBytes: z.number().nullable() })),
  /** Sessions that wait for a synchronous standby, and how long the oldest has waited. */
  blockedSessions: z.object({ count: z.number(), oldestSeconds: z.number() }),
});

export type NodeFacts = z.infer<typeof nodeFactsSchema>;

/** One node as the observer saw it. */
export const nodeObservationSchema = z.discriminatedUnion('answered', [
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
