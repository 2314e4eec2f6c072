. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/hba.sh
. lib/tls.sh
. lib/attempt.sh
. lib/node-configuration.sh
. lib/standby-names.sh
. lib/control-data.sh
. lib/histories.sh
. lib/wal-positions.sh
. lib/promotion.sh
. lib/fence.sh

# Seconds for WAL that is on its way, for a server that was started anew to find out where its WAL ends, and for the
# promotion itself: it replays first what the node has received.
readonly wal_limit=10 end_limit=60 promotion_limit=600

# Makes this standby the primary. The rule for its commits is in force before.
main() {
  local promoted=false
  changed=false attempt_failure=''
  guard
  require_server
  wait_until_accepting "$wal_limit" || start_failed 'PostgreSQL runs and does not accept connections'
  read_wal_positions
  if [[ $IN_RECOVERY == t ]]; then
    require_wal
    prepare_late_promotion
    check_epoch
    promote
    promoted=true changed=true
  else
    prepare_late_promotion
  fi
  lift_fence
  enable_service
  succeed "$(json_object bool changed "$changed" bool promoted "$promoted" number timeline "$TIMELINE" \
    text lsn "$RECEIVED_LSN" text at "$(utc_time)" json configurationFailure "${attempt_failure:-null}")"
}

# The WAL must go beyond the position: what begins there is on this node too.
require_wal() {
  local begun=$SECONDS
  while ! precedes "$MINIMUM_LSN" "$RECEIVED_LSN"; do
    if ((SECONDS >= begun + end_limit)) || [[ $END_KNOWN == t && $SECONDS -ge $((begun + wal_limit)) ]]; then
      fail StandbyLacksWal "$NODE has WAL up to $RECEIVED_LSN, and needs what is at $MINIMUM_LSN." \
        'Nothing was promoted.'
    fi
    sleep 0.1
    read_wal_positions
  done
}

promote() {
  local answer
  # From 13 on a promotion ends the pause itself.
  if ((MAJOR_VERSION < 13)); then sql >/dev/null <<<'SELECT pg_wal_replay_resume() WHERE pg_is_wal_replay_paused()'; fi
  answer=$(sql_options="$sql_options -c statement_timeout=$((promotion_limit + 10))s" \
    sql <<<"SELECT pg_promote(true, $promotion_limit)")
  if [[ $answer != t ]]; then
    fail PromotionFailed "PostgreSQL on $NODE has not ended recovery within $promotion_limit s. $(server_log)" \
      'It may still do so. Start the runbook again: it goes on where it stopped.'
  fi
  read_wal_positions
}
