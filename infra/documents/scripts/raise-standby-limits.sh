. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/control-data.sh
. lib/limits.sh

# Seconds that a standby may take until it confirms commits again. The next one is not restarted before.
readonly streaming_limit=60

# Raises this standby's limits before its primary's are raised. One that does not run is given them when it is started.
main() {
  local streamed=''
  changed=false raised=()
  guard
  wait_while_stopping
  if find_server; then
    wait_until_accepting "$start_limit" || start_failed 'PostgreSQL runs and does not accept connections'
    if [[ $(sql <<<'SELECT pg_is_in_recovery()') == t ]]; then
      streamed=$(sql <<<'SELECT pid FROM pg_stat_wal_receiver')
      read_needed_limits
      set_limits_while_running
      if [[ $restart_needed == true ]]; then
        checkpoint_before_stop
        check_epoch
        restart_server
        if [[ -n $streamed ]]; then wait_until_confirming; fi
      fi
    fi
  fi
  succeed "$(json_object changed "$changed" raised "$(json_strings ${raised[@]+"${raised[@]}"})")"
}

# A receiver, if this node has what its primary has sent. What was there before the receiver counts as replayed only.
confirming_receiver() {
  sql <<<"SELECT pid FROM pg_stat_wal_receiver
    WHERE status = 'streaming' AND greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= latest_end_lsn"
}

wait_until_confirming() {
  local deadline=$((SECONDS + streaming_limit))
  while [[ -z $(confirming_receiver) ]]; do
    if ((SECONDS >= deadline)); then
      fail StandbyNotStreaming "$NODE was restarted with larger limits (${raised[*]-}), and has not caught up with its primary within $streaming_limit s. $(server_log)" \
        'The primary was not changed. Start the rejoin runbook for the node, then setup again.'
    fi
    sleep 0.1
  done
}
