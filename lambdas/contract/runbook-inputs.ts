/** What a user gives to each runbook. */
import * as z from 'zod';
import type { Cluster } from './cluster-config.ts';
import type { RunbookName } from './names.ts';

/** The console proposes a `Comment` for every execution, so every runbook accepts one. */
const comment = { Comment: z.string().optional() };

/** The input of each runbook of a cluster; what a schema does not know is refused, for it may be a misspelt option. */
export function runbookInputSchemas(_cluster: Cluster) {
  return {
    setup: z.strictObject({ ...comment }),
  } satisfies Record<RunbookName, z.ZodType>;
}
