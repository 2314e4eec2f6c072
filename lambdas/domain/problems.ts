import type { ErrorName } from '../contract/errors.ts';
import { OperatorError } from '../contract/errors.ts';

/** Something wrong with one node (or with the cluster, when `node` is null). */
export interface Problem {
  readonly node: string | null;
  readonly error: string;
  /** What was seen. */
  readonly message: string;
  /** What to do next. */
  readonly remedy: string;
}

/** One problem as lines: `node: Name: what was seen`, then the remedy. */
function describe(problem: Problem): string {
  const where = problem.node === null ? '' : `${problem.node}: `;
  const remedy = problem.remedy === '' ? '' : `\n  ${problem.remedy.replaceAll('\n', '\n  ')}`;
  return `${where}${problem.error}: ${problem.message}${remedy}`;
}

/**
 * All problems in one error, so that an operator sees at once what there is to mend.
 * Its name is the problems' own when they all have the same, otherwise `mixed`.
 */
export function problemsError(problems: readonly Problem[], mixed: ErrorName): OperatorError {
  const names = new Set(problems.map((problem) => problem.error));
  const [only] = names;
  // A name that came back from a host is one of ours or Step Functions' own; either is what Catch should see.
  const name = (names.size === 1 && only !== undefined ? only : mixed) as ErrorName;
  return new OperatorError(name, problems.map(describe).join('\n'), '');
}
