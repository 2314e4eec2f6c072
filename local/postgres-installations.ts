/** Which of the PostgreSQL servers on this machine a cluster runs on. */
import { OperatorError } from '../lambdas/contract/errors.ts';
import { findPostgres, type PostgresInstallation } from './prerequisites/find-postgres.mjs';

export { findPostgres, type PostgresInstallation };

/** Major versions that `clusters.json` can ask for. */
const supported = { oldest: 12, newest: 18 };

/**
 * The server for a cluster that wants `majorVersion`: the one given for that version, else the one installed, else
 * the newest there is, as for one that wants none. `given` and `installed` together must hold one at least.
 */
export function choosePostgres(
  majorVersion: number | undefined,
  given: ReadonlyMap<number, string>,
  installed: readonly PostgresInstallation[],
): PostgresInstallation {
  const available = [
    ...[...given].map(([version, binDirectory]) => ({ majorVersion: version, binDirectory })),
    ...installed,
  ]
    .filter((each) => each.majorVersion >= supported.oldest && each.majorVersion <= supported.newest)
    .sort((a, b) => b.majorVersion - a.majorVersion); // stable: what was given stays before what is installed
  const chosen = available.find((each) => each.majorVersion === majorVersion) ?? available[0];
  if (chosen === undefined) {
    throw new OperatorError(
      'PostgresNotInstalled',
      `no PostgreSQL server of version ${supported.oldest} to ${supported.newest} is installed on this machine`,
      'Install one (apt-get install postgresql, or dnf install postgresql-server) and start again.',
    );
  }
  return chosen;
}
