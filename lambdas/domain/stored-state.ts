/**
 * Reads what another version of the checker wrote: an older one before an update, a newer one after it was taken back.
 * A check must never fail for it, for then nobody would watch.
 */
import { type CheckerState, checkerStateSchema } from '../contract/health.ts';
import { initialState } from './transitions.ts';

/**
 * Format of the items of the state table. It grows with a change that an older version would misread; what is only added
 * gets a default in the schema and leaves it as it is. Items without a format are of format 1.
 */
export const stateFormat = 1;

/** A state as it could be read. */
export interface RestoredState {
  readonly state: CheckerState;
  /** Parts that could not be read, and are as on the first day. */
  readonly forgotten: string[];
}

/**
 * Keeps every part of a state that this version understands. What is forgotten errs on the safe side: an incident is
 * told once more, and a failover finds that nothing is known of the rule (`DataLossPossible`).
 */
export function restoreState(text: string | undefined): RestoredState {
  const stored = parsed(text);
  const forgotten: string[] = [];
  const initial: Record<string, unknown> = { ...initialState() };
  const parts = Object.entries(checkerStateSchema.shape).map(([name, schema]) => {
    const result = schema.safeParse(stored[name]);
    if (result.success) return [name, result.data];
    forgotten.push(name);
    return [name, initial[name]];
  });
  return { state: Object.fromEntries(parts) as CheckerState, forgotten };
}

function parsed(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
