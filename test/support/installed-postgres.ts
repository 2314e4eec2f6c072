/**
 * The PostgreSQL that the tests run on: whichever this machine has. Tests name no version where they mean this one
 * (test/repository/postgres-versions.test.ts).
 */
import { choosePostgres, findPostgres, type PostgresInstallation } from '../../local/postgres-installations.ts';

const found = findPostgres();

/** For `describe.skipIf`. `npm test` installs one first, or says that it is missing. */
export const noPostgres = found.length === 0;

/**
 * The newest one installed that `clusters.json` can ask for.
 *
 * @throws OperatorError where there is none
 */
export function installedPostgres(): PostgresInstallation {
  return choosePostgres(undefined, new Map(), found);
}
