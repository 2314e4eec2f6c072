import type * as z from 'zod';
import type { standbyReportSchema } from '../contract/payloads.ts';
import { explainFailure } from './failure.ts';
import { problemsError } from './problems.ts';

/**
 * Raises the failures of standbys that could not be built, or not be brought up to date, all in one error.
 * The others have been built by then: no host works on for a runbook that has ended.
 */
export function requireBuilt(reports: readonly z.infer<typeof standbyReportSchema>[]): void {
  const problems = reports.flatMap(({ node, failure, start }) => {
    if (start?.configurationFailure != null) return [{ node, ...start.configurationFailure }];
    if (failure === undefined) return [];
    const { error, cause } = explainFailure(failure);
    return [{ node, error, message: cause, remedy: '' }];
  });
  if (problems.length > 0) throw problemsError(problems, 'StandbysNotBuilt');
}
