/**
 * The allowance to commit without synchronous standbys for a limited time: one item of the state table, made by the
 * `allow-async` runbook and removed by `resume-sync`. The checker reads it to tell what is meant from what is not.
 */
import * as z from 'zod';
import { lsnSchema } from './lsn.ts';

export const allowanceSchema = z.object({
  /** The primary that it was made for. */
  primary: z.string(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /**
   * Start of the durability debt: as many standbys as the rule needs have flushed up to here. Commits after it were
   * acknowledged without them, those included that waited when the allowance was made.
   */
  lsn: lsnSchema,
  reason: z.string(),
  /** ARN of the execution that made it. */
  execution: z.string(),
  /** Made by the cluster's policy (`whenNoStandby: degrade`), not by a person. */
  automatic: z.boolean(),
});
export type Allowance = z.infer<typeof allowanceSchema>;

/**
 * What the table holds: an allowance, in force or over; one that this version cannot read, of which only its existence is
 * known; or none.
 */
export type AllowanceOnRecord = Allowance | 'unreadable' | null;
