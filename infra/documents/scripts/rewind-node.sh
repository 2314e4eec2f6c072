. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/histories.sh
. lib/timelines.sh
. lib/fence.sh
. lib/stop-standby.sh
. lib/damage.sh
. lib/tls.sh
. lib/progress.sh

# Takes this node back to where its history and the primary's part, with pg_rewind; then it can follow. Until that has
# ended well the data is marked: nothing starts it.
main() {
  local started=$SECONDS why
  changed=false copied_bytes=0
  progress_of=rewind
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  guard
  refuse_damaged
  stop_standby
  read_control_data "$DATA"
  read_primary_timelines
  require_own_cluster
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  why=$(why_diverged_while_stopped)
  if [[ -z $why && -e $DATA/standby.signal ]]; then
    succeed "$(json_object bool changed "$changed" number bytes 0 number seconds 0)"
  fi
  check_epoch
  put_fence 'its history is taken back'
  put_replication_passfile
  mark_damaged "pg_rewind was started on $NODE at $(utc_time) and has not ended"
  changed=true
  # Recovery in single-user mode, which comes first after a crash, does not work as a standby.
  as_postgres rm -f -- "$DATA/standby.signal"
  finish_recovery
  if ! followed run_pg_rewind; then rewind_failed; fi
  become_standby
  unmark_damaged
  succeed "$(json_object bool changed true number bytes "$copied_bytes" number seconds $((SECONDS - started)) \
    optional progressFailure "$(progress_failure)")"
}

# From 13 on pg_rewind does this itself, but takes recovery from a crash that was stopped for a standby's.
finish_recovery() {
  case $CONTROL_STATE in
    'shut down' | 'shut down in recovery') return 0 ;;
    'in crash recovery') ;;
    *) if ((MAJOR_VERSION >= 13)); then return 0; fi ;;
  esac
  as_postgres "$BIN_DIRECTORY/postgres" --single -F -D "$DATA" -c archive_mode=off -c archive_command=false template1 \
    >"$scratch/words" 2>&1 </dev/null || rewind_failed
}

run_pg_rewind() {
  local -a options=(-P)
  # A segment that the archive still has is as good as one in pg_wal.
  if ((MAJOR_VERSION >= 13)) && [[ -n $(configured restore_command) ]]; then options+=(-c); fi
  sql_options=$COPY_OPTIONS in_session "$BIN_DIRECTORY/pg_rewind" "${options[@]}" -D "$DATA" \
    --source-server="$(conninfo "$PRIMARY" "$REPLICATION_USER" "$PASSFILE" "rewind of $NODE") dbname=postgres"
}

# What it says before it copies anything leaves the data as it was; after that nobody knows what it is.
rewind_failed() {
  local remedy="Only a rebuild helps now: start the rejoin runbook for $NODE again."
  if ! grep -q 'need to copy' "$scratch/words"; then
    write_file "$DATA/standby.signal" ''
    unmark_damaged
    remedy="Its data is as it was. The rejoin runbook rebuilds $NODE if that is allowed."
  fi
  fail RewindFailed "pg_rewind of $NODE to $PRIMARY: $(last_bytes 3000 "$scratch/words")" "$remedy"
}

# It has copied the primary's configuration, certificate included, and taken the signal away.
become_standby() {
  write_file "$DATA/standby.signal" ''
  write_standby_settings "$DATA" "$PRIMARY"
  if [[ $TLS == on ]] && certificate_is_ours "$DATA"; then make_certificate "$DATA"; fi
  # Slots that it had as a primary would keep WAL for nobody; a base backup has none either.
  as_postgres_function remove_slots "$DATA/pg_replslot"
}

remove_slots() (
  shopt -s nullglob
  for slot in "$1"/*/; do rm -rf -- "$slot"; done
)
