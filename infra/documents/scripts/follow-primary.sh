. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/timelines.sh

# Makes this stopped node a standby of the primary as it is, without any copying, if it has no WAL that the primary
# lacks. A node that runs as a standby is left to start-standby.
main() {
  local running=false
  changed=false
  if [[ $PRIMARY == "$NODE" ]]; then
    fail InvalidInput "$NODE cannot follow itself." 'Give the command another node, or another primary.'
  fi
  require_secret "$REPLICATION_SECRET"
  guard
  require_data
  read_primary_timelines
  require_own_cluster
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  if find_server; then
    running=true
    require_standby
  else
    require_common_wal
    check_epoch
    put_replication_passfile
    # First: from here on this node cannot start as a primary, whenever this is killed.
    if [[ ! -e $DATA/standby.signal ]]; then
      write_file "$DATA/standby.signal" ''
      changed=true
    fi
    write_standby_settings "$DATA" "$PRIMARY"
  fi
  succeed "$(json_object changed "$changed" running "$running" primaryTimeline "$PRIMARY_TIMELINE")"
}

require_data() {
  if [[ $(data_directory_state) != postgres ]]; then
    fail DataDirectoryEmpty "$DATA on $NODE holds no data of PostgreSQL." "Rebuild $NODE as a standby."
  fi
}

# Of a running server the control file says too little, and its WAL goes on; it streams or says why not.
require_standby() {
  local in_recovery
  wait_until_accepting 60 || true
  in_recovery=$(sql <<<'SELECT pg_is_in_recovery()')
  if [[ $in_recovery != t ]]; then
    fail WouldStartAsPrimary "PostgreSQL on $NODE runs as a primary." "Stop it before it takes writes; then it can follow $PRIMARY."
  fi
}

# Where this node's WAL ends is known after a clean stop: a primary's last record is the checkpoint of its shutdown, a
# standby has noted how far it replayed. (What a standby received beyond that shows when it streams.)
require_common_wal() {
  local why
  read_control_data "$DATA"
  case $CONTROL_STATE in
    'shut down')
      why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record)
      ;;
    'shut down in recovery' | 'in archive recovery')
      why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record)
      if [[ -z $why && $RECOVERY_END != 0/0 ]]; then why=$(why_diverged "$RECOVERY_END_TIMELINE" "$RECOVERY_END"); fi
      ;;
    *)
      if [[ -e $DATA/backup_label && -e $DATA/standby.signal ]]; then
        # A copy that was never started.
        why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record)
      else
        why="PostgreSQL on $NODE was not shut down cleanly (its state is: $CONTROL_STATE), so the end of its WAL is not known"
      fi
      ;;
  esac
  if [[ -n $why ]]; then
    fail NodeDiverged "$why." "Nothing was changed. Start the rejoin runbook for $NODE: it rewinds or rebuilds it."
  fi
}
