/** Executions of runbooks, as others than the runbook itself see them. */

import type { RunbookName } from './names.ts';

/** An execution that has not ended. */
export interface RunningExecution {
  readonly arn: string;
  readonly runbook: RunbookName;
  readonly name: string;
  readonly startedAt: Date;
}
