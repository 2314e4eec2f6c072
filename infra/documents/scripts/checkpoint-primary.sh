. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/control-data.sh

# Writes a checkpoint: right after a promotion the control file still names the old timeline, and pg_rewind, which
# goes by it, would find nothing to rewind.
main() {
  local answer timeline before
  changed=false
  guard
  require_server
  require_primary
  answer=$(sql <<<"SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int")
  take timeline timeline "$answer" "The timeline of PostgreSQL on $NODE"
  read_control_data "$DATA"
  before=$CONTROL_CHECKPOINT
  if ((CONTROL_TIMELINE != timeline)); then
    changed=true
    sql_options="$sql_options -c statement_timeout=500s" sql <<<'CHECKPOINT'
    read_control_data "$DATA"
  fi
  if ((CONTROL_TIMELINE != timeline)); then
    fail SqlFailed "After a checkpoint the control file of $NODE still names timeline $CONTROL_TIMELINE, not $timeline." \
      'Start the runbook again.'
  fi
  succeed "$(json_object bool changed "$changed" number timeline "$timeline" text before "$before" \
    text checkpoint "$CONTROL_CHECKPOINT")"
}
