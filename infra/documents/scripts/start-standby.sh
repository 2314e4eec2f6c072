. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/replication.sh
. lib/hba.sh
. lib/tls.sh
. lib/attempt.sh
. lib/node-configuration.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/histories.sh
. lib/timelines.sh
. lib/wal-positions.sh
. lib/fence.sh
. lib/wal-files.sh
. lib/damage.sh
. lib/limits.sh

# Seconds that a started standby may take until it streams.
readonly streaming_limit=60

# Starts this node as a standby of the primary under its own name, and waits until it streams.
main() {
  local started=false
  changed=false attempt_failure=''
  require_secret "$REPLICATION_SECRET"
  guard
  require_standby
  primary_system_identifier >/dev/null
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  put_replication_passfile
  wait_while_stopping
  if find_server; then
    wait_until_started || start_failed 'PostgreSQL runs and does not accept connections'
    follow_while_running
    # Only what it cannot follow without: for what the cluster is to have in future nothing restarts here.
    need_limits_of_primary
    set_limits_while_running
    if [[ $restart_needed == true ]]; then restart_server; fi
  else
    follow_while_stopped
    need_limits_of_primary
    need_configured_limits
    set_limits_while_stopped
    # Nothing that came in between may have taken the signal away: a node without it starts as a primary.
    require_standby
    check_epoch
    # The command that put the data in place may have been killed right after that.
    restore_labels
    start_server
    started=true changed=true
  fi
  wait_until_streaming
  # It follows now, so it can do no harm any more as the primary that it may have been.
  lift_fence
  enable_service
  drop_own_slots
  configure
  succeed "$(json_object bool changed "$changed" bool started "$started" json configurationFailure "${attempt_failure:-null}")"
}

# When it streams: commits may have waited for that. Of the nodes that run, setup restarts one after the other for a
# setting that needs it; one that was started just now has been missed by nobody.
configure() {
  try_to_configure_node
  if [[ $started != true || $restart_needed != true ]]; then return 0; fi
  check_epoch
  restart_server
  wait_until_streaming
}

require_standby() {
  local remedy="Start the rejoin runbook for $NODE: it makes it a standby again."
  refuse_damaged
  if [[ ! -e $DATA/PG_VERSION ]]; then
    fail WouldStartAsPrimary "$DATA on $NODE holds no copy of $PRIMARY." 'Take a base backup first.'
  fi
  if [[ ! -e $DATA/standby.signal ]]; then
    fail WouldStartAsPrimary "$DATA on $NODE has no standby.signal: PostgreSQL would run there as a second primary." "$remedy"
  fi
}

# primary_conninfo and primary_slot_name of the running server; other settings of a standby are right since its copy.
follow_while_running() {
  local settings wanted is_primary
  wanted="f|$(primary_conninfo "$PRIMARY")|${NODE_SLOT[$NODE]}"
  settings=$(sql <<<"SELECT NOT pg_is_in_recovery(), current_setting('primary_conninfo'), current_setting('primary_slot_name')")
  take flag is_primary "${settings%%|*}" "What PostgreSQL on $NODE says of its recovery"
  if [[ $is_primary == t ]]; then
    fail NodeRunsAsPrimary "PostgreSQL on $NODE runs as a primary." \
      "Nothing was changed there. Start the rejoin runbook for $NODE: it fences it first."
  fi
  if [[ $settings == "$wanted" ]]; then return 0; fi
  changed=true
  sql >/dev/null <<<"ALTER SYSTEM SET primary_conninfo = $(sql_literal "$(primary_conninfo "$PRIMARY")");
    ALTER SYSTEM SET primary_slot_name = '${NODE_SLOT[$NODE]}';"
  # Before version 13 these two are read at start only.
  if ((MAJOR_VERSION >= 13)); then reload_and_wait; else restart_server; fi
}

follow_while_stopped() {
  if [[ $(configured primary_conninfo) != "$(primary_conninfo "$PRIMARY")" ||
    $(configured primary_slot_name) != "${NODE_SLOT[$NODE]}" ]]; then
    changed=true
    write_standby_settings "$DATA" "$PRIMARY"
  fi
}

# Those of now, too: this node may not have heard of them yet.
need_limits_of_primary() {
  local rows name value
  need_known_limits
  rows=$(ask_primary_sql "SELECT name, setting FROM pg_settings WHERE name IN ($(limits_in_sql))")
  while IFS='|' read -r name value; do need_limit "$name" "$value"; done <<<"$rows"
}

# One session waits on the standby itself; now and then the primary is asked whether it refuses, and whether this node
# has gone another way than the primary. A standby connects when it has replayed what WAL it has: as long as it does that
# it is only late.
wait_until_streaming() {
  local answer streams waits position='' before event deadline=$((SECONDS + streaming_limit))
  find_server || start_failed 'PostgreSQL ended'
  while ((SECONDS < deadline)); do
    answer=$(sql <<<"DO \$\$ DECLARE receiver int; former int; seen int := 0;
      BEGIN
        FOR i IN 1..50 LOOP
          receiver := ($(streaming_receiver));
          seen := CASE WHEN receiver = former THEN seen + 1 ELSE 0 END;
          former := receiver;
          IF seen = 4 OR EXISTS ($(streaming_receiver) AND last_msg_send_time <> last_msg_receipt_time) THEN
            PERFORM set_config('runbook.streams', 't', false);
            EXIT;
          END IF;
          IF EXISTS ($(startup_waiting_for_wal)) THEN PERFORM set_config('runbook.waits', 't', false); END IF;
          PERFORM pg_sleep(0.05);
        END LOOP;
      END \$\$;
      SELECT coalesce(current_setting('runbook.streams', true), 'f'), coalesce(current_setting('runbook.waits', true), 'f'), pg_last_wal_replay_lsn(),
        (SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'startup')")
    before=$position
    take_row "PostgreSQL on $NODE" "$answer" flag streams flag waits 'lsn?' position 'text?' event
    if [[ $streams == t ]]; then return 0; fi
    require_common_history
    check_epoch
    if [[ $waits == f || ($before != '' && $position != "$before") ]]; then
      deadline=$((SECONDS + streaming_limit))
      replaying="it is at $position${event:+, in $event}"
      if ((SECONDS >= start_patience)); then still_replaying; fi
    fi
  done
  replaying=''
  start_failed "PostgreSQL runs and did not stream from $PRIMARY within $streaming_limit s"
}

# Its process. A receiver that still streams from another node does not count. Its status is streaming before the primary
# has said yes, so it must be seen for some time, or have heard something: until then both times are that of its start.
streaming_receiver() {
  cat <<SQL
SELECT pid FROM pg_stat_wal_receiver
WHERE status = 'streaming' AND sender_host = '${NODE_ADDRESS[$PRIMARY]}' AND sender_port = ${NODE_PORT[$PRIMARY]}
SQL
}

# What this node has replayed beyond the primary's WAL no amount of waiting brings together, nor what the primary has
# removed before this node got it.
require_common_history() {
  local why answer oldest bytes received begin
  read_primary_timelines
  read_wal_positions
  why=$(why_diverged "$TIMELINE" "$REPLAYED_LSN")
  if [[ -n $why ]]; then
    fail NodeDiverged "$why." "Start the rejoin runbook for $NODE: it rewinds or rebuilds it."
  fi
  answer=$(ask_primary_sql "$(oldest_segment_query)")
  take_row "$PRIMARY" "$answer" segment oldest size bytes
  lsn_number received "$RECEIVED_LSN"
  segment_start begin "$oldest" "$bytes"
  if ((received < begin)) && ! has_segment_at "$oldest" "$bytes"; then
    fail WalGone "$NODE has WAL up to $RECEIVED_LSN, and $PRIMARY has removed what comes next: its oldest segment is $oldest." \
      "Start the rejoin runbook for $NODE: it rebuilds it."
  fi
}

# Slots that it had as a primary would keep WAL here for ever.
drop_own_slots() {
  local node names='' dropped
  for node in "${NODES[@]}"; do names+="${names:+,}'${NODE_SLOT[$node]}'"; done
  dropped=$(sql <<<"SELECT slot_name FROM pg_replication_slots s, LATERAL pg_drop_replication_slot(s.slot_name)
    WHERE s.slot_name IN ($names) AND s.slot_type = 'physical' AND NOT s.active")
  if [[ -n $dropped ]]; then changed=true; fi
}
