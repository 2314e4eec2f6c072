/** The rejoin runbook: what is decided on the way from a node that fell out to one that streams again. */
import * as z from 'zod';
import { configuredSchema } from './node-commands.ts';
import { nodeInspectionSchema } from './node-inspection.ts';
import { failureSchema } from './payloads.ts';

/** How a node rejoins, from the least to the most that is done to it. */
const rejoinMethods = [
  'none', // it streams already
  'start', // it is a stopped standby: it is started
  'follow', // it is made to follow the primary, without copying
  'rewind', // what it has and the primary lacks is kept beside, then taken back by pg_rewind
  'rebuild', // it gets a new copy of the primary; its old data is kept until it streams
] as const;
export type RejoinMethod = (typeof rejoinMethods)[number];

export const findPrimaryInputSchema = z.strictObject({ node: z.string() });

/** The node that the one to rejoin is to follow. */
const rejoinPrimarySchema = z.object({
  primary: z.string(),
  /** Other nodes that stream from it. */
  followers: z.number(),
  /** The node to rejoin accepts writes too: it is a former primary that nobody follows. */
  acceptsWrites: z.boolean(),
});
export type RejoinPrimary = z.infer<typeof rejoinPrimarySchema>;

export const planRejoinInputSchema = z.strictObject({
  node: z.string(),
  allowRebuild: z.boolean(),
  found: rejoinPrimarySchema,
  inspection: nodeInspectionSchema,
});
export type PlanRejoinInput = z.infer<typeof planRejoinInputSchema>;

/** What rejoin is going to do. */
const rejoinPlanSchema = z.object({
  node: z.string(),
  primary: z.string(),
  method: z.enum(rejoinMethods),
  /** What was seen that calls for this method, a sentence each. */
  reasons: z.array(z.string()),
  /** PostgreSQL accepts writes there and must be stopped before anything else. */
  fence: z.boolean(),
  /** The node's replication slot on the primary is missing or has lost WAL. */
  repairSlot: z.boolean(),
  /** The node may have WAL that the primary lacks: it is kept before the data changes. */
  keepWal: z.boolean(),
  /** Nobody can tell whether the old data is all on the primary: a rebuild leaves it there for a person. */
  keepFormerData: z.boolean(),
  /** An earlier rebuild has left old data that may go when the node streams. */
  discardFormerData: z.boolean(),
  /** What a rebuild needs, should it come to that: nothing, a person's word, or something that a person must do first. */
  rebuild: z.discriminatedUnion('verdict', [
    z.object({ verdict: z.literal('allowed') }),
    z.object({ verdict: z.literal('ask') }),
    z.object({ verdict: z.literal('impossible'), error: z.string(), cause: z.string() }),
  ]),
  /** Size of the primary's databases, of which a rebuild makes a copy. */
  primaryBytes: z.number(),
  /** The plan in words. */
  summary: z.array(z.string()),
});
export type RejoinPlan = z.infer<typeof rejoinPlanSchema>;

/** Why the progress of a copy could not be put into the log group; null, or missing, when nothing hindered that. */
const progressFailure = z.string().nullish();

/** The state of the runbook as its steps have left it: what each method that was tried has said. */
const rejoinStateSchema = z.object({
  plan: rejoinPlanSchema,
  followed: z.object({ changed: z.boolean() }).optional(),
  started: configuredSchema.extend({ changed: z.boolean(), started: z.boolean() }).optional(),
  kept: z
    .object({
      directory: z.string().nullable(),
      bytes: z.number(),
      summary: z.array(z.string()),
    })
    .optional(),
  rewound: z.object({ bytes: z.number(), progressFailure }).optional(),
  rebuilt: z.object({ bytes: z.number(), formerData: z.string().nullable(), progressFailure }).optional(),
  discarded: z.object({ directories: z.array(z.string()), kept: z.array(z.string()) }).optional(),
  /** Why a method did not bring the node back, for which the next one was taken. */
  startFailure: failureSchema.optional(),
  rewindFailure: failureSchema.optional(),
});
export type RejoinState = z.infer<typeof rejoinStateSchema>;

export const verifyRejoinInputSchema = z.strictObject({ startedAt: z.iso.datetime(), state: rejoinStateSchema });

/** The output of the runbook. */
export interface RejoinReport {
  node: string;
  primary: string;
  /** The method that brought the node back. */
  method: RejoinMethod;
  reasons: string[];
  /** Methods that were tried before, and why they did not do. */
  tried: { method: RejoinMethod; error: string; cause: string }[];
  seconds: number;
  /** Copied from the primary. */
  bytes: number;
  /** Where on the node the WAL is that only it had; null when it had none. */
  keptWal: { directory: string; bytes: number; summary: string[] } | null;
  /** Where on the node old data of it still is, of this rebuild or of earlier ones. */
  formerData: string[];
  synchronousStandbyNames: string;
  /** The value that synchronous_standby_names should have and has not; null when it is as configured. */
  wantedStandbyNames: string | null;
  /** pg_stat_replication as psql prints it, one line each. */
  replication: string[];
  /** The same in words. */
  summary: string[];
}

export const askForRebuildInputSchema = z.strictObject({
  taskToken: z.string(),
  execution: z.string(),
  state: rejoinStateSchema,
});
export type AskForRebuildInput = z.infer<typeof askForRebuildInputSchema>;
