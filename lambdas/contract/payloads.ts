/** Inputs of the functions that runbooks call: infra fills them in, handlers parse them. */
import * as z from 'zod';
import { type Allowance, allowanceSchema } from './allowance.ts';
import type { Status } from './health.ts';
import { runbookNames } from './names.ts';
import { configuredSchema, type NodeCommandName, nodeCommandNames, preflightFactsSchema } from './node-commands.ts';

/** `Error` and `Cause` as a Catch of Step Functions hands them on. */
export const failureSchema = z.object({ Error: z.string(), Cause: z.string().default('') });
export type Failure = z.infer<typeof failureSchema>;

export const acquireLockInputSchema = z.object({
  runbook: z.enum(runbookNames),
  execution: z.string(),
  input: z.unknown(),
});

/** What a runbook holds while it runs. */
const operationSchema = z.object({
  /** ARN of the execution that holds the cluster's lock. */
  owner: z.string(),
  /** Number of the operation: grows with every one of the cluster; hosts refuse commands of older ones. */
  epoch: z.number(),
  /** Names of the cluster's nodes, in order of priority. */
  nodes: z.array(z.string()),
  /** The runbook's input, checked, with its defaults filled in. */
  input: z.record(z.string(), z.unknown()),
});
export type Operation = z.infer<typeof operationSchema>;

export const releaseLockInputSchema = z.object({ execution: z.string(), failure: failureSchema.optional() });

/** The part of EventBridge's "Step Functions Execution Status Change" that matters here. */
export const executionEndedEventSchema = z.object({
  detail: z.object({ executionArn: z.string(), stateMachineArn: z.string(), status: z.string() }),
});
export type ExecutionEnd = z.infer<typeof executionEndedEventSchema>['detail'];

export const setMaintenanceInputSchema = z.object({ input: z.unknown() });

/** Output of the maintenance runbook. */
export interface MaintenanceReport {
  /** Until when no alert is sent, and why; null when there is no maintenance (any more). */
  until: string | null;
  reason: string | null;
  status: Status;
  /** What is wrong at this moment, worst first, in sentences. */
  wrong: string[];
}

/** What a runbook tells of itself: that it has started, or how it has ended. */
export const announceRunbookInputSchema = z.discriminatedUnion('phase', [
  z.object({
    phase: z.literal('started'),
    runbook: z.enum(runbookNames),
    execution: z.string(),
    operation: operationSchema,
  }),
  z.object({
    phase: z.literal('succeeded'),
    runbook: z.enum(runbookNames),
    execution: z.string(),
    operation: operationSchema,
    output: z.record(z.string(), z.json()),
  }),
  z.object({
    phase: z.literal('failed'),
    runbook: z.enum(runbookNames),
    execution: z.string(),
    operation: operationSchema,
    outcome: z.object({ error: z.string(), cause: z.string() }),
  }),
]);
export type AnnounceRunbookInput = z.infer<typeof announceRunbookInputSchema>;

export const runNodeCommandInputSchema = z.strictObject({
  taskToken: z.string(),
  command: z.enum(nodeCommandNames as [NodeCommandName, ...NodeCommandName[]]),
  node: z.string(),
  epoch: z.number(),
  /** Parameters of the command beyond the common ones. */
  parameters: z.record(z.string(), z.string()).default({}),
});
export type RunNodeCommandInput = z.infer<typeof runNodeCommandInputSchema>;

/** The part of EventBridge's "EC2 Command Invocation Status-change Notification" that matters here. */
export const commandEndedEventSchema = z.object({
  detail: z.object({ 'command-id': z.string(), 'instance-id': z.string() }),
});

/** Which command a step has given up waiting for. */
const givenUpCommandSchema = z.object({ document: z.string(), node: z.string(), epoch: z.number() });
export type GivenUpCommand = z.infer<typeof givenUpCommandSchema>;

/** What became of it: the result that it ended with, if it ended well. */
export type LateEnd = { readonly ended: true; readonly result: Record<string, unknown> } | { readonly ended: false };

/**
 * EC2's "Instance State-change Notification" of an instance that stops, the question of a step about its own command, or
 * whatever the schedule sends.
 */
export const sweepEventSchema = z.union([
  z.object({ givenUp: givenUpCommandSchema }),
  z.object({ time: z.iso.datetime(), detail: z.object({ 'instance-id': z.string(), state: z.string() }) }),
  z.object({}),
]);

/** One node's preflight: its facts, or why there are none. */
const preflightReportSchema = z.union([
  z.object({ node: z.string(), failure: failureSchema }),
  z.object({ node: z.string(), facts: preflightFactsSchema }),
]);
export type PreflightReport = z.infer<typeof preflightReportSchema>;

export const planSetupInputSchema = z.strictObject({ reports: z.array(preflightReportSchema) });

/** What setup is going to do. */
export interface SetupPlan {
  primary: string;
  /** Nodes to be built or checked as standbys, in order of priority. */
  standbys: string[];
  /** Those of them that run: they get larger limits before the primary does. */
  runningStandbys: string[];
  /** Value that synchronous_standby_names gets at the end. */
  synchronousStandbyNames: string;
}

/** Outcome of building one standby, or of pointing it to a primary: with a failure when that could not be done. */
export const standbyReportSchema = z.object({
  node: z.string(),
  failure: failureSchema.optional(),
  /** What `start-standby` answered. */
  start: configuredSchema.optional(),
});

export const verifyReplicationInputSchema = z.strictObject({
  /**
   * - `streaming`: every standby streams under its own name
   * - `durable`: and as many as the rule asks for have caught up
   * - `synchronous`: as many as the rule asks for have caught up, whatever the others do
   * - `released`: commits wait for nobody
   */
  expect: z.enum(['streaming', 'durable', 'synchronous', 'released']),
  primary: z.string(),
  /** Reports of the standbys that were just built; a failure among them is raised before anything is asked. */
  standbys: z.array(standbyReportSchema).default([]),
  /** Standbys that were pointed to a new primary: those without a failure have to stream. All of the cluster when omitted. */
  followers: z.array(standbyReportSchema).optional(),
});

/** What `verify-replication` answers: the notes' table, for the end of a runbook. */
export interface ReplicationReport {
  primary: string;
  synchronousStandbyNames: string;
  /** pg_stat_replication as psql prints it, one line each. */
  table: string[];
}

/** Of the functions that plan writing without standbys, and the return from it. The input was checked when the lock was taken. */
export const planAllowAsyncInputSchema = z.strictObject({
  execution: z.string(),
  input: z.record(z.string(), z.unknown()),
});
export const planResumeSyncInputSchema = z.strictObject({ input: z.record(z.string(), z.unknown()) });

/** What `allow-async` is going to do. */
export interface AllowAsyncPlan {
  primary: string;
  allowance: Allowance;
  summary: string[];
}

/** What `resume-sync` is going to do. */
export interface ResumeSyncPlan {
  primary: string;
  synchronousStandbyNames: string;
  /** The primary has this rule already: only the allowance has to go. */
  inForce: boolean;
  /** Too few standbys have caught up: commits will wait. */
  writesBlock: boolean;
  summary: string[];
}

export const recordAllowanceInputSchema = z.union([
  z.strictObject({ allowance: allowanceSchema }),
  z.strictObject({ remove: z.literal(true) }),
]);
