. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/standby-names.sh
. lib/control-data.sh
. lib/histories.sh
. lib/wal-positions.sh
. lib/promotion.sh

# Seconds for the WAL receiver to end; until it is helped; for a server that was started anew to find out where its WAL
# ends; to replay what was received. The latter is not needed for safety.
readonly receiver_limit=10 patience=2 end_limit=60 replay_limit=2

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
    wait_until_end_is_known
    wait_until_replayed
  fi
  succeed "$(json_object bool changed "$changed" bool inRecovery "$(json_bool test "$IN_RECOVERY" = t)" \
    number timeline "$TIMELINE" text receivedLsn "$RECEIVED_LSN" text replayedLsn "$REPLAYED_LSN")"
}

# With what a promotion needs, in the same breath: the slots are made when the node is promoted.
stop_receiving() {
  local conninfo
  conninfo=$(sql <<<'SHOW primary_conninfo')
  if [[ $conninfo != '' ]]; then
    put_standby_names "ALTER SYSTEM SET primary_conninfo = ''"
    # Before version 13 it is read at start only.
    if ((MAJOR_VERSION < 13)); then restart_server; fi
  else
    put_standby_names ''
  fi
  wait_until_receiver_ended
}

# Two looks in a row must find none: one may just be starting, by what the setting was before.
wait_until_receiver_ended() {
  local begun=$SECONDS none=0
  while ((none < 2)); do
    look_again
    if [[ -z $RECEIVER ]]; then
      none=$((none + 1))
    else
      none=0
      if ((SECONDS >= begun + receiver_limit)); then
        fail StillFollowing "The WAL receiver of $NODE does not end." 'Restart PostgreSQL there, then start the runbook again.'
      fi
      # Where replay is paused or delayed, PostgreSQL ends it only when it needs more WAL.
      if ((SECONDS >= begun + patience)); then as_postgres kill -TERM "$RECEIVER" || true; fi
    fi
  done
}

# Without a receiver the timeline is only known from files, so an earlier answer counts too.
look_again() {
  local timeline=$TIMELINE
  sleep 0.05
  read_wal_positions
  if ((timeline > TIMELINE)); then TIMELINE=$timeline; fi
}

# Less than what this node has confirmed must never be believed: another node would be promoted, and commits lost.
wait_until_end_is_known() {
  local deadline=$((SECONDS + end_limit))
  while [[ $END_KNOWN != t ]]; do
    if ((SECONDS >= deadline)); then
      fail WalEndUnknown "PostgreSQL on $NODE was started anew and still replays the WAL on its disk; after $end_limit s it has come to $REPLAYED_LSN, and may have more." \
        'Start the runbook again when it has replayed that. If recovery_min_apply_delay or a conflict with queries holds the replay up, end that first.'
    fi
    look_again
  done
}

# Until nothing more comes: the last record may have arrived in part, or replay is paused.
wait_until_replayed() {
  local replayed='' unchanged=0 deadline=$((SECONDS + replay_limit))
  while ((unchanged < 4 && SECONDS < deadline)) && precedes "$REPLAYED_LSN" "$RECEIVED_LSN"; do
    replayed=$REPLAYED_LSN
    look_again
    if [[ $REPLAYED_LSN == "$replayed" ]]; then unchanged=$((unchanged + 1)); else unchanged=0; fi
  done
}
