/** What runbooks tell of themselves, for programs; people get the same in words. */
import type { RunbookName } from './names.ts';

export interface RunbookNotice {
  readonly kind: 'runbook-started' | 'runbook-succeeded' | 'runbook-failed' | 'runbook-stopped';
  readonly runbook: RunbookName;
  /** ARN of the execution. */
  readonly execution: string;
  /** What the runbook was asked for; null when that is not known any more. */
  readonly input: Readonly<Record<string, unknown>> | null;
  /** Stable name of the error and what it says, when the runbook failed. */
  readonly failure: { readonly error: string; readonly cause: string } | null;
  /** What the runbook has done, in lines for people. */
  readonly report: readonly string[];
}
