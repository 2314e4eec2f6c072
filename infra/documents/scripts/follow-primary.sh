. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/histories.sh
. lib/timelines.sh
. lib/damage.sh

# Makes this stopped node a standby of the primary as it is, without any copying, if it has no WAL that the primary
# lacks. A node that runs as a standby is left to start-standby.
main() {
  local running=false
  changed=false
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  guard
  refuse_damaged
  require_data
  read_primary_timelines
  require_own_cluster
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  if find_server; then
    running=true
    require_standby
    check_epoch
    ensure_standby_signal
  else
    require_common_wal
    check_epoch
    put_replication_passfile
    # First: from here on this node cannot start as a primary, whenever this is killed.
    ensure_standby_signal
    write_standby_settings "$DATA" "$PRIMARY"
  fi
  succeed "$(json_object bool changed "$changed" bool running "$running" number primaryTimeline "$PRIMARY_TIMELINE")"
}

require_data() {
  if [[ $(data_directory_state) != postgres ]]; then
    fail DataDirectoryEmpty "$DATA on $NODE holds no data of PostgreSQL." "Rebuild $NODE as a standby."
  fi
}

ensure_standby_signal() {
  if [[ -e $DATA/standby.signal ]]; then return 0; fi
  write_file "$DATA/standby.signal" ''
  changed=true
}

# Of a running server the control file says too little, and its WAL goes on; it streams or says why not.
require_standby() {
  local in_recovery
  wait_until_accepting 60 || true
  take flag in_recovery "$(sql <<<'SELECT pg_is_in_recovery()')" "What PostgreSQL on $NODE says of its recovery"
  if [[ $in_recovery != t ]]; then
    fail NodeRunsAsPrimary "PostgreSQL on $NODE runs as a primary." \
      "Nothing was changed. Start the rejoin runbook for $NODE: it fences it first."
  fi
}

require_common_wal() {
  local why
  read_control_data "$DATA"
  why=$(why_diverged_while_stopped)
  if [[ -n $why ]]; then
    fail NodeDiverged "$why." "Nothing was changed. Start the rejoin runbook for $NODE: it rewinds or rebuilds it."
  fi
}
