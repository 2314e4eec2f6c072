. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh

# Seconds that the synchronous standbys may take to confirm one commit.
readonly confirmation_limit=10

# Commits one transaction that waits for the synchronous standbys.
main() {
  local result
  guard
  require_server
  require_primary
  # An ordinary write, unlike all others of ours: it waits as the applications' do.
  sql_options="-c synchronous_commit=$COMMIT_LEVEL -c statement_timeout=${confirmation_limit}s"
  result=$(sql <<<"$(durable_write)")
  # A wait that is cut short commits locally and succeeds: the warning alone tells.
  if grep -q 'canceling wait for synchronous replication' "$scratch/sql"; then
    not_durable "The commit on $NODE was not confirmed within $confirmation_limit s. PostgreSQL: $(last_bytes 1000 "$scratch/sql")"
  fi
  if [[ -z $result ]]; then
    not_durable "synchronous_standby_names on $NODE is empty: a commit waits for no standby."
  fi
  report "$result"
}

# report ROWS: milliseconds and position, then the standbys that confirmed.
report() {
  local row milliseconds lsn flush_lsn state name confirmed=''
  take_row "PostgreSQL on $NODE" "${1%%$'\n'*}" decimal milliseconds lsn lsn
  while IFS= read -r row; do
    take_row "PostgreSQL on $NODE" "$row" lsn flush_lsn word state text name
    confirmed+="${confirmed:+,}$(json_object text name "$name" text flushLsn "$flush_lsn" text syncState "$state")"
  done < <(if [[ $1 == *$'\n'* ]]; then printf '%s\n' "${1#*$'\n'}"; fi)
  succeed "$(json_object number milliseconds "$milliseconds" text lsn "$lsn" json confirmedBy "[$confirmed]")"
}

not_durable() {
  fail DurableWriteFailed "$1" \
    'Look at pg_stat_replication on the primary: commits wait until a synchronous standby streams. Start it, or run the rejoin runbook.'
}

# The record of a logical message is WAL and nothing else: no table is needed. COMMIT inside DO counts as part of
# the statement, so statement_timeout ends its wait; outside it would not.
durable_write() {
  local confirmed=flush_lsn
  if [[ $COMMIT_LEVEL == remote_write ]]; then confirmed=write_lsn; fi
  if [[ $COMMIT_LEVEL == remote_apply ]]; then confirmed=replay_lsn; fi
  cat <<SQL
DO \$\$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  PERFORM set_config('runbook.lsn', pg_logical_emit_message(true, 'runbook', 'durable write')::text, false);
  COMMIT;
  PERFORM set_config('runbook.milliseconds',
    round((extract(epoch FROM clock_timestamp() - started) * 1000)::numeric, 1)::text, false);
END \$\$;
SELECT current_setting('runbook.milliseconds'), current_setting('runbook.lsn')
WHERE current_setting('synchronous_standby_names') <> '';
SELECT flush_lsn, sync_state, application_name FROM pg_stat_replication
WHERE sync_state IN ('sync', 'quorum') AND $confirmed >= current_setting('runbook.lsn')::pg_lsn
  AND current_setting('synchronous_standby_names') <> ''
ORDER BY sync_priority, application_name;
SQL
}
