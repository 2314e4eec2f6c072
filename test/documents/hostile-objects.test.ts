/**
 * What users of the database may create, and what a server, a database or a role may set, changes nothing in our own
 * sessions: those of the scripts, as superuser and to other nodes, and the observer's.
 */
import { describe, expect, it } from 'vitest';
import { observeNode } from '../../lambdas/adapters/postgres-observer.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { installedPostgres, noPostgres } from '../support/installed-postgres.ts';
import { binDirectory, whyNoServer } from '../support/postgres-versions.ts';
import { Hosts } from './hosts.ts';

const installed = noPostgres ? 15 : installedPostgres().majorVersion;
const versions = [...new Set([12, 13, 14, installed])];

/**
 * Overloads that fit calls of ours better than PostgreSQL's own functions do. Each makes its caller's rights the
 * user's, where the caller may give them, and answers as the real one would.
 */
const betterOverloads = `
CREATE FUNCTION public.become_superuser() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE mallory SUPERUSER; END IF;
END $$;
CREATE FUNCTION public.concat_ws(text, boolean, int, pg_lsn, text, text) RETURNS text LANGUAGE plpgsql AS
  $$BEGIN PERFORM public.become_superuser(); RETURN pg_catalog.concat_ws($1, $2, $3, $4, $5, $6); END $$;
CREATE FUNCTION public.format(text, text, text) RETURNS text LANGUAGE plpgsql AS
  $$BEGIN PERFORM public.become_superuser(); RETURN pg_catalog.format($1, $2, $3); END $$;
CREATE FUNCTION public.json_build_object(text, boolean, text, boolean, text, text, text, text, text, text)
  RETURNS json LANGUAGE plpgsql AS $$BEGIN PERFORM public.become_superuser();
  RETURN pg_catalog.json_build_object($1, $2, $3, $4, $5, $6, $7, $8, $9, $10); END $$;
CREATE FUNCTION public.json_build_object(text, text, text, boolean, text, bigint, text, text)
  RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN '"forged"'; END $$;
CREATE FUNCTION public.json_build_object(text, bigint, text, double precision, text, json)
  RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN '"forged"'; END $$;
CREATE FUNCTION public.json_build_object(text, bigint, text, numeric, text, json)
  RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN '"forged"'; END $$;
`;

/** Every function and view of pg_catalog again, in a schema that is searched before it: each raises an error. */
const shadows = `
CREATE SCHEMA shadow;
GRANT USAGE ON SCHEMA shadow TO PUBLIC;
CREATE FUNCTION shadow.caught() RETURNS boolean LANGUAGE plpgsql AS
  $$BEGIN RAISE EXCEPTION 'an object of a user was used'; END $$;
DO $do$
DECLARE
  one record;
BEGIN
  FOR one IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prorettype::regtype AS type
    FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND t.typtype <> 'p' AND NOT p.proretset
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION shadow.%I(%s) RETURNS %s LANGUAGE plpgsql AS
        ''BEGIN PERFORM shadow.caught(); RETURN NULL; END''', one.proname, one.arguments, one.type);
    EXCEPTION WHEN others THEN NULL; -- takes or gives what only PostgreSQL itself can
    END;
  END LOOP;
  FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('v', 'r')
  LOOP
    BEGIN
      EXECUTE format('CREATE VIEW shadow.%I AS SELECT shadow.caught()', one.relname);
    EXCEPTION WHEN others THEN NULL; -- the same
    END;
  END LOOP;
END $do$;
`;

/** What PostgreSQL may be set to, each of which would change an answer or make it fail. */
const settings: Readonly<Record<string, string>> = {
  search_path: 'shadow, pg_catalog',
  default_transaction_isolation: "'serializable'",
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  DateStyle: "'German, DMY'",
  IntervalStyle: "'sql_standard'",
  TimeZone: "'Asia/Kathmandu'",
  extra_float_digits: '-15',
  client_min_messages: "'error'",
  lock_timeout: '1',
  bytea_output: "'escape'",
};

const credentials = { user: 'replication_monitor', password: 'watch-only' };

async function observed(hosts: Hosts): Promise<unknown[]> {
  // As long as a busy machine needs.
  const seen = await Promise.all(
    hosts.cluster.nodes.map((node) => observeNode(hosts.cluster, node, credentials, 60_000)),
  );
  return seen.map((node) => (node.answered ? node.facts.inRecovery : node.failure));
}

const preflights = (hosts: Hosts) =>
  Promise.all(['alpha', 'beta'].map((node) => hosts.succeed(node, 'preflight', { Primary: 'alpha' })));
const inspection = (hosts: Hosts) => hosts.succeed('beta', 'inspect-node', { Primary: 'alpha' });

async function attackByOverloads(hosts: Hosts): Promise<void> {
  hosts.sql('alpha', 'CREATE ROLE mallory LOGIN');
  hosts.sql('alpha', 'GRANT CREATE ON SCHEMA public TO mallory');
  hosts.sql('alpha', `SET ROLE mallory; ${betterOverloads}`);
  // Something that the command has to say by format().
  hosts.sql('alpha', "ALTER ROLE replication_monitor VALID UNTIL '2001-01-01'");
  await preflights(hosts);
  await hosts.setUp();
  await inspection(hosts);
  expect(hosts.sql('alpha', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'")).toBe('f');
  expect(await observed(hosts)).toEqual([false, true]);
}

async function attackBySettings(hosts: Hosts): Promise<void> {
  hosts.sql('alpha', shadows);
  const all = Object.entries(settings).map(([name, value]) => `ALTER ROLE ALL SET ${name} = ${value}`);
  hosts.sql('alpha', all.join('; '));
  const arrived = 'BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_catalog.count(*) FROM pg_catalog.pg_db_role_setting';
  await waitFor('the settings on beta', 30, () => hosts.sql('beta', arrived) === '1');
  for (const result of await hosts.setUp()) expect(result).toMatchObject({ changed: false });
  for (const facts of await preflights(hosts))
    expect(facts).toMatchObject({ server: { running: true, failure: null } });
  expect(await inspection(hosts)).toMatchObject({ follows: true, diverged: null });
  expect(await hosts.succeed('alpha', 'prove-durable-write')).toMatchObject({ confirmedBy: [{ name: 'beta' }] });
  expect(await observed(hosts)).toEqual([false, true]);
}

describe.each(versions)('PostgreSQL %i', (majorVersion) => {
  const own = majorVersion === installed && !noPostgres;
  const why = own ? undefined : whyNoServer(majorVersion);

  it.skipIf(why !== undefined)(
    `lets no user's object and no setting into our sessions${why === undefined ? '' : ` (skipped: ${why})`}`,
    async () => {
      const programs = own ? {} : { binDirectory: binDirectory(majorVersion), replication: { tls: false } };
      const hosts = new Hosts({ names: ['alpha', 'beta'], majorVersion, ...programs });
      try {
        await hosts.setUp();
        await attackByOverloads(hosts);
        await attackBySettings(hosts);
      } finally {
        await hosts.remove();
      }
    },
  );
});
