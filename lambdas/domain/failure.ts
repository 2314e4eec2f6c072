import type { Failure } from '../contract/payloads.ts';

/** Error name and readable cause of a failed execution. */
export interface Explanation {
  error: string;
  cause: string;
}

/** What Lambda puts into a failed task's Cause. */
function lambdaMessage(cause: string): string | null {
  if (!cause.startsWith('{')) return null;
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed !== 'object' || parsed === null || !('errorMessage' in parsed)) return null;
    return typeof parsed.errorMessage === 'string' ? parsed.errorMessage : null;
  } catch {
    return null;
  }
}

const timeoutCause =
  'A step did not end in its time. The execution history shows which; Run Command in the SSM console shows what its host was doing.';

/**
 * Makes a failure readable: Lambda reports its errors as JSON with a stack trace, node commands as plain text,
 * Step Functions' own timeouts with no text at all.
 */
export function explainFailure(failure: Failure): Explanation {
  const cause = lambdaMessage(failure.Cause) ?? failure.Cause;
  if (cause !== '') return { error: failure.Error, cause };
  return { error: failure.Error, cause: failure.Error === 'States.Timeout' ? timeoutCause : 'No cause was given.' };
}
