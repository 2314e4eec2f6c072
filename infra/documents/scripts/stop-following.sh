. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/standby-names.sh
. lib/control-data.sh
. lib/wal-positions.sh
. lib/promotion.sh

# Seconds for the WAL receiver to end, and to replay what it has received. The latter is not needed for safety.
readonly receiver_limit=10 replay_limit=2

# Stops this standby from receiving WAL, so that no commit is acknowledged any more because of it, whatever the former
# primary does; then says how far its WAL goes.
main() {
  changed=false
  guard
  require_server
  wait_until_accepting "$receiver_limit" || start_failed 'PostgreSQL runs and does not accept connections'
  read_wal_positions
  if [[ $IN_RECOVERY == t ]]; then
    stop_receiving
    wait_until_replayed
  fi
  succeed "$(json_object changed "$changed" inRecovery "$(json_bool test "$IN_RECOVERY" = t)" \
    timeline "$TIMELINE" receivedLsn "\"$RECEIVED_LSN\"" replayedLsn "\"$REPLAYED_LSN\"")"
}

# With what a promotion needs, in the same breath: the slots are made when the node is promoted.
stop_receiving() {
  local deadline=$((SECONDS + receiver_limit)) timeline=$TIMELINE
  if [[ $(sql <<<"SHOW primary_conninfo") != '' ]]; then
    put_standby_names "ALTER SYSTEM SET primary_conninfo = ''"
    # Before version 13 it is read at start only.
    if ((MAJOR_VERSION < 13)); then restart_server; fi
  else
    put_standby_names ''
  fi
  while read_wal_positions && [[ -n $RECEIVER ]]; do
    if ((SECONDS >= deadline)); then
      fail StillFollowing "The WAL receiver of $NODE does not end." 'Restart PostgreSQL there, then start the runbook again.'
    fi
    sleep 0.05
  done
  # Without a receiver the timeline is only known from files.
  if ((timeline > TIMELINE)); then TIMELINE=$timeline; fi
}

# Until nothing more comes: the last record may have arrived in part. A server that was started anew, which it is before
# version 13, finds out by this how far its WAL goes.
wait_until_replayed() {
  local timeline=$TIMELINE replayed='' unchanged=0 enough=2 deadline=$((SECONDS + replay_limit))
  if ((MAJOR_VERSION < 13)); then enough=8 deadline=$((SECONDS + 60)); fi
  while ((unchanged < enough && SECONDS < deadline)); do
    if ((MAJOR_VERSION >= 13 && $(lsn_number "$REPLAYED_LSN") >= $(lsn_number "$RECEIVED_LSN"))); then break; fi
    sleep 0.1
    replayed=$REPLAYED_LSN
    read_wal_positions
    if [[ $REPLAYED_LSN == "$replayed" ]]; then unchanged=$((unchanged + 1)); else unchanged=0; fi
  done
  if ((timeline > TIMELINE)); then TIMELINE=$timeline; fi
}
