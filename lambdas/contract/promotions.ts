/** What the steps of switchover and failover hand to each other. */
import * as z from 'zod';
import { configuredSchema } from './node-commands.ts';
import { failureSchema, standbyReportSchema } from './payloads.ts';

/** How far a standby's WAL goes, as `stop-following` reports it. */
const standbyPositionSchema = z.object({
  /** False when the node was promoted already. */
  inRecovery: z.boolean(),
  timeline: z.number(),
  /** On its disk, replayed or not. */
  receivedLsn: z.string(),
  replayedLsn: z.string(),
});
export type StandbyPosition = z.infer<typeof standbyPositionSchema>;

/** One standby after it was to stop following: where it is, or why it could not be asked. */
const detachedSchema = z.union([
  z.object({ node: z.string(), failure: failureSchema }),
  z.object({ node: z.string(), position: standbyPositionSchema }),
]);
export type Detached = z.infer<typeof detachedSchema>;

/** How the former primary was proven unable to accept writes. */
const fenceSchema = z.discriminatedUnion('method', [
  /** PostgreSQL was stopped and disabled on its host; `detail` is what `fence-primary` reported. */
  z.object({ method: z.literal('host'), detail: z.looseObject({ standbyNames: z.string().optional() }) }),
  /** EC2 stopped the instance and was seen to have done so. */
  z.object({ method: z.literal('instance'), detail: z.looseObject({ instanceId: z.string() }) }),
  /** There is none: every node answers, and none of them is a primary that has to go. */
  z.object({ method: z.literal('none') }),
]);
export type Fence = z.infer<typeof fenceSchema>;

/** The rule for commits as it was last seen in force. */
const commitRuleSchema = z.object({
  node: z.string(),
  standbyNames: z.string(),
  commitLevel: z.string(),
  standbys: z.array(z.string()),
  since: z.string(),
});
export type CommitRule = z.infer<typeof commitRuleSchema>;

const failoverPlanSchema = z.object({
  /** The node that was the primary; null when every node answers as a standby. */
  formerPrimary: z.string().nullable(),
  /** Whether there is one to be fenced. */
  fence: z.boolean(),
  /** The node that an earlier run promoted already: this run finishes its work. */
  promoted: z.string().nullable(),
  /** Standbys that are to stop following, each with the rule that it gets should it be promoted. */
  detach: z.array(z.object({ node: z.string(), standbyNames: z.string() })),
  /** Standbys that are only to be pointed to the node that was promoted already. */
  follow: z.array(z.string()),
  rule: commitRuleSchema.nullable(),
  /** Why commits of the primary are in danger whatever the standbys have; null when nothing says so. */
  risk: z.string().nullable(),
  /** What speaks for the primary being down, in lines for people. */
  evidence: z.array(z.string()),
  allowDataLoss: z.boolean(),
  reason: z.string(),
});
export type FailoverPlan = z.infer<typeof failoverPlanSchema>;

export const planFailoverInputSchema = z.strictObject({
  input: z.looseObject({ allowDataLoss: z.boolean(), reason: z.string() }),
});

export const fencingInputSchema = z.strictObject({ node: z.string() });

/** How one host is to be fenced; or what of these hosts would keep them from being fenced, should that be needed. */
export const planFencingInputSchema = z.union([fencingInputSchema, z.strictObject({ nodes: z.array(z.string()) })]);

/** What EC2 says of an instance. */
export interface InstanceSighting {
  readonly instanceId: string;
  /** pending, running, stopping, stopped, shutting-down, terminated. */
  readonly state: string;
  /** The group that terminates and replaces the instance when it stops; null when it belongs to none. */
  readonly autoScalingGroup: string | null;
  /** EC2 may take it back, and stops it only if its request is a persistent one. */
  readonly spot: boolean;
  /** Its root device is an instance store: EC2 cannot stop it. */
  readonly rootInInstanceStore: boolean;
}

/** What AWS knows of a host; null where it could not be asked. */
export interface HostSighting {
  readonly instanceId: string;
  /** EC2's state of the instance. */
  readonly state: string | null;
  /** SSM hears of its agent. */
  readonly agentOnline: boolean | null;
}

/** What an operator should know of the instances before one of them has to be fenced. */
export interface InstanceWarnings {
  readonly warnings: string[];
}

/** How a former primary is to be fenced, and what speaks for that. */
export interface FencingPlan extends HostSighting {
  readonly method: 'host' | 'instance';
}

export const chooseCandidateInputSchema = z.strictObject({
  plan: failoverPlanSchema,
  fence: fenceSchema,
  detached: z.array(detachedSchema),
});

/** A node that is to follow the new primary; `stopped` when it may have to be made a standby first. */
const followerSchema = z.object({ node: z.string(), stopped: z.boolean() });

const candidateSchema = z.object({
  node: z.string(),
  /** Value of synchronous_standby_names that it gets. */
  standbyNames: z.string(),
  /** It must have WAL beyond this position. */
  minimumLsn: z.string(),
  /** Standbys to be pointed to it. */
  others: z.array(followerSchema),
  /** Why it was chosen, and what may be missing, in lines for people. */
  reasons: z.array(z.string()),
});
export type Candidate = z.infer<typeof candidateSchema>;

export const planSwitchoverInputSchema = z.strictObject({ input: z.looseObject({ to: z.string() }) });

export interface SwitchoverPlan {
  /** `finish`: the node is the primary already, and others do not follow it yet. */
  mode: 'switch' | 'finish';
  from: string;
  to: string;
  standbyNames: string;
  /** All other nodes, the former primary among them. */
  followers: z.infer<typeof followerSchema>[];
}

const promotedSchema = configuredSchema.extend({ timeline: z.number(), lsn: z.string() });

/** What became of the standbys' following, or of its verification. */
const verifiedSchema = z.union([
  z.object({ failure: failureSchema }),
  z.object({ synchronousStandbyNames: z.string(), table: z.array(z.string()) }),
]);

export const reportPromotionInputSchema = z.discriminatedUnion('runbook', [
  z.strictObject({
    runbook: z.literal('failover'),
    plan: failoverPlanSchema,
    fence: fenceSchema,
    candidate: candidateSchema,
    promoted: promotedSchema,
    followers: z.array(standbyReportSchema),
    replication: verifiedSchema,
  }),
  z.strictObject({
    runbook: z.literal('switchover'),
    plan: z.object({ from: z.string(), to: z.string(), mode: z.enum(['switch', 'finish']) }),
    promoted: promotedSchema,
    followers: z.array(standbyReportSchema),
    replication: verifiedSchema,
  }),
]);
export type ReportPromotionInput = z.infer<typeof reportPromotionInputSchema>;

/** Output of both runbooks. */
export interface PromotionReport {
  primary: string;
  formerPrimary: string | null;
  timeline: number;
  synchronousStandbyNames: string | null;
  /** What was done, in lines for people. */
  summary: string[];
  /** pg_stat_replication as psql prints it. */
  replication: string[];
  /** Nodes that do not follow, and why. */
  notFollowing: { node: string; error: string; cause: string }[];
}
