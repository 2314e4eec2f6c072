. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/replication.sh
. lib/hba.sh
. lib/tls.sh
. lib/attempt.sh
. lib/node-configuration.sh
. lib/control-data.sh
. lib/limits.sh

# Seconds that a standby may take until it confirms commits again. The next one is not restarted before.
readonly streaming_limit=60

# Brings this standby up to date before its primary: its limits must not be lower, and it may be the primary next. One
# that does not run is given all that when it is started.
main() {
  local restarted=false in_recovery
  changed=false raised=() changed_settings='' attempt_failure=''
  guard
  wait_while_stopping
  if find_server; then
    wait_until_accepting "$start_limit" || start_failed 'PostgreSQL runs and does not accept connections'
    take flag in_recovery "$(sql <<<'SELECT pg_is_in_recovery()')" "What PostgreSQL on $NODE says of its recovery"
    if [[ $in_recovery == t ]]; then configure; fi
  fi
  # shellcheck disable=SC2086 # names, one word each
  succeed "$(json_object bool changed "$changed" bool restarted "$restarted" \
    json raised "$(json_strings ${raised[@]+"${raised[@]}"})" json settings "$(json_strings $changed_settings)" \
    json configurationFailure "${attempt_failure:-null}")"
}

# Only low limits keep the primary from being configured; what else fails is reported when the standby has been seen to
# stream.
configure() {
  local limits_need_restart
  need_configured_limits
  need_known_limits
  set_limits_while_running
  limits_need_restart=$restart_needed
  try_to_configure_node
  if [[ $limits_need_restart != true && $restart_needed != true ]]; then return 0; fi
  restart
  if [[ -z $attempt_failure ]]; then require_settings; fi
}

restart() {
  local streamed
  streamed=$(sql <<<'SELECT pid FROM pg_stat_wal_receiver')
  checkpoint_before_stop
  check_epoch
  restart_server
  restarted=true changed=true
  if [[ -n $streamed ]]; then wait_until_confirming; fi
}

# A receiver, if this node has what its primary has sent. What was there before the receiver counts as replayed only.
confirming_receiver() {
  sql <<<"SELECT pid FROM pg_stat_wal_receiver
    WHERE status = 'streaming' AND greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) >= latest_end_lsn"
}

wait_until_confirming() {
  local receiver deadline=$((SECONDS + streaming_limit))
  while true; do
    receiver=$(confirming_receiver)
    if [[ -n $receiver ]]; then return 0; fi
    if ((SECONDS >= deadline)); then
      fail StandbyNotStreaming "$NODE was restarted for new settings (${raised[*]-} $changed_settings), and has not caught up with its primary within $streaming_limit s. $(server_log)" \
        'The primary was not changed. Start the rejoin runbook for the node, then setup again.'
    fi
    sleep 0.1
  done
}
