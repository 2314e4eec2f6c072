/**
 * What the observer's sessions set, over what the server, the database and the role say.
 *
 * Names mean PostgreSQL's own objects: a user who may create others could make one that fits a call better, and a
 * healthy cluster would look failed (https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058). Values are written in
 * one form. A serializable transaction would fail on a standby, and a deferrable one wait.
 */
const settings: Readonly<Record<string, string>> = {
  search_path: 'pg_catalog',
  // Our own SQL must never wait for a standby: what cannot write has no commit to wait for. (Setting
  // synchronous_commit for the session would hide the server's value, which is one of the facts.)
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  row_security: 'off',
  jit: 'off',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  client_min_messages: 'notice',
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '60s',
};

/** They as the `options` of a connection, with the milliseconds that a statement may take. */
export function sessionOptions(statementMilliseconds: number): string {
  return Object.entries({ ...settings, statement_timeout: `${statementMilliseconds}ms` })
    .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
    .join(' ');
}
