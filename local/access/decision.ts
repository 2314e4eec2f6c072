/** What the runtime keeps of its decisions, for people and for the test that looks for superfluous permissions. */
import type { Context } from './principal.ts';

/** A call and what became of it; a line of `access/decisions.jsonl`. */
export interface Decision {
  /** ARN of the role, or name of the service, that called. */
  readonly holder: string;
  /** As messages name the caller. */
  readonly principal: string;
  /** Account of the resource. */
  readonly account: string;
  readonly action: string;
  /** `*` for an action that knows no resources. */
  readonly resource: string;
  readonly context: Context;
  /** Why it was refused; missing when it was allowed. */
  readonly denial?: string;
}
