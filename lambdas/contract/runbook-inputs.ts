/** What a user gives to each runbook. */
import * as z from 'zod';
import type { Cluster } from './cluster-config.ts';
import type { RunbookName } from './names.ts';

/** The console proposes a `Comment` for every execution, so every runbook accepts one. */
const comment = { Comment: z.string().optional() };

const minutesRule = 'must be a whole number of minutes from 1 to 1440, or 0 to end maintenance';
const reasonRule = 'must say why, in 1 to 200 characters: the subscribers of the alerts read it';

/** How long alerts are to be silent from now on, and why. */
export const maintenanceInputSchema = z
  .strictObject({
    minutes: z.int(minutesRule).min(0, minutesRule).max(1440, minutesRule),
    reason: z.string(reasonRule).trim().min(1, reasonRule).max(200, reasonRule).optional(),
    ...comment,
  })
  .refine(({ minutes, reason }) => minutes === 0 || reason !== undefined, { path: ['reason'], message: reasonRule });
export type MaintenanceInput = z.infer<typeof maintenanceInputSchema>;

const allowedMinutes = 'must be a whole number of minutes from 1 to 1440';

/** For how long commits may return without a standby, and why. */
export const allowAsyncInputSchema = z.strictObject({
  minutes: z.int(allowedMinutes).min(1, allowedMinutes).max(1440, allowedMinutes),
  reason: z.string(reasonRule).trim().min(1, reasonRule).max(200, reasonRule),
  ...comment,
});

/** `blockWrites`: the rule is to be back in force although commits will wait for a standby. */
export const resumeSyncInputSchema = z.strictObject({ blockWrites: z.boolean().default(false), ...comment });

const lossRule = 'must say why the loss is acceptable when allowDataLoss is true, in at most 200 characters';

/** A failover loses no acknowledged commit unless it may, and then somebody has said why. */
const failoverInputSchema = z
  .strictObject({
    allowDataLoss: z.boolean('must be true or false').default(false),
    reason: z.string(lossRule).trim().max(200, lossRule).default(''),
    ...comment,
  })
  .refine(({ allowDataLoss, reason }) => !allowDataLoss || reason !== '', { path: ['reason'], message: lossRule });

/** The input of each runbook of a cluster; what a schema does not know is refused, for it may be a misspelt option. */
export function runbookInputSchemas(cluster: Cluster) {
  const names = cluster.nodes.map(({ name }) => name);
  const node = z.enum(names, { error: `must be a node of ${cluster.name}: ${names.join(', ')}` });
  return {
    setup: z.strictObject({ ...comment }),
    switchover: z.strictObject({ to: node, ...comment }),
    failover: failoverInputSchema,
    maintenance: maintenanceInputSchema,
    rejoin: z.strictObject({
      node,
      /** Only say what would be done. */
      dryRun: z.boolean().default(false),
      /** Rebuild, should it come to that, also where policy.rebuild is `ask`. */
      allowRebuild: z.boolean().default(false),
      ...comment,
    }),
    'allow-async': allowAsyncInputSchema,
    'resume-sync': resumeSyncInputSchema,
  } satisfies Record<RunbookName, z.ZodType>;
}
