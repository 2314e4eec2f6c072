. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/ports.sh
. lib/disk.sh
. lib/control-data.sh
. lib/histories.sh
. lib/timelines.sh
. lib/wal-files.sh
. lib/fence.sh
. lib/damage.sh
. lib/former-data.sh
. lib/tablespaces.sh

# Reports the facts of nodeInspectionSchema; what is to be done about them is decided elsewhere. Creates and changes nothing.
main() {
  local primary oldest_segment segment_bytes directory control=null control_failure='' server=null diverged='' follows=false
  local tablespaces
  local -a occupied=()
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  # Before the primary: a standby that streams may be ahead of what the primary said earlier.
  ask_running_server
  read_primary_timelines
  ask_about_primary
  tablespaces=$(occupied_tablespaces)
  if [[ -n $tablespaces ]]; then mapfile -t occupied <<<"$tablespaces"; fi
  directory=$(directory_facts "$oldest_segment" "$segment_bytes")
  if [[ $(data_directory_state) == postgres ]]; then
    control_failure=$(why_control_data_is_bad)
    if [[ -z $control_failure ]]; then
      read_control_data "$DATA"
      control=$(control_facts)
    fi
    if [[ -n $SERVER_PID ]]; then
      judge_running_server
    elif [[ -z $control_failure ]]; then
      diverged=$(why_diverged_while_stopped)
      follows=$(json_bool is_configured_to_follow)
    fi
  fi
  succeed "$(json_object \
    json primary "$primary" \
    json dataDirectory "$directory" \
    json control "$control" \
    optional controlFailure "$control_failure" \
    json server "$server" \
    bool follows "$follows" \
    optional diverged "$diverged" \
    optional damaged "$(file_end "$DAMAGED" 1000)" \
    json occupiedTablespaces "$(json_strings ${occupied[@]+"${occupied[@]}"})" \
    bool fenced "$(json_bool is_fenced)" \
    bool enabled "$(json_bool is_enabled)" \
    bool formerData "$(json_bool has_discardable_data)" \
    optional portTakenBy "$(port_taken_by)" \
    number freeBytes "$(free_bytes_for_copy)" \
    optional busyWith "$(busy_with)")"
}

# What the primary has for this node, through the ordinary connection that pg_rewind uses too. Sets primary (as JSON),
# oldest_segment and segment_bytes.
ask_about_primary() {
  local answer data_bytes active lost slot=null wal_status="'reserved'"
  if ((MAJOR_VERSION >= 13)); then wal_status=wal_status; fi
  answer=$(ask_primary_sql "$(oldest_segment_query)")
  take_row "$PRIMARY" "$answer" segment oldest_segment size segment_bytes
  answer=$(ask_primary_sql "SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database
      WHERE has_database_privilege(oid, 'CONNECT')), s.active, coalesce($wal_status = 'lost', false)
    FROM (SELECT) one LEFT JOIN pg_replication_slots s ON slot_name = '${NODE_SLOT[$NODE]}'")
  take_row "$PRIMARY" "$answer" number data_bytes 'flag?' active flag lost
  if [[ -n $active ]]; then
    take_bool active "$active" "$PRIMARY"
    take_bool lost "$lost" "$PRIMARY"
    slot=$(json_object bool active "$active" bool lost "$lost")
  fi
  primary=$(json_object text systemIdentifier "$PRIMARY_IDENTIFIER" number timeline "$PRIMARY_TIMELINE" \
    text lsn "$PRIMARY_LSN" text oldestSegment "$oldest_segment" number segmentBytes "$segment_bytes" \
    number dataBytes "$data_bytes" json slot "$slot")
}

# directory_facts OLDEST_SEGMENT SEGMENT_BYTES
directory_facts() {
  local state version='' identifier=''
  local -a sample=()
  state=$(data_directory_state)
  case $state in
    postgres)
      version=$(file_text "$DATA/PG_VERSION" 20)
      identifier=$(wal_system_identifier) || exit
      ;;
    other) mapfile -t sample < <(data_directory_sample) ;;
  esac
  json_object \
    text state "$state" \
    json sample "$(json_strings ${sample[@]+"${sample[@]}"})" \
    bool isMountPoint "$(json_bool mountpoint -q -- "$DATA")" \
    optional linkTo "$(data_directory_link)" \
    optional majorVersion "$version" \
    optional systemIdentifier "$identifier" \
    bool standbySignal "$(json_bool test -e "$DATA/standby.signal")" \
    bool hasOldestSegment "$(json_bool has_segment_at "$1" "$2")"
}

# Called after read_control_data.
control_facts() {
  local words='' rewindable=null
  if has_own_controldata; then
    words=$(as_postgres timeout -k 1 10 "$BIN_DIRECTORY/pg_controldata" -D "$DATA")
    if [[ $words =~ wal_log_hints\ setting:\ +on || $words =~ Data\ page\ checksum\ version:\ +[1-9] ]]; then
      rewindable=true
    else
      rewindable=false
    fi
  fi
  json_object \
    text systemIdentifier "$(system_identifier "$DATA")" \
    text state "$CONTROL_STATE" \
    number timeline "$CONTROL_TIMELINE" \
    text checkpoint "$CONTROL_CHECKPOINT" \
    text recoveryEnd "$RECOVERY_END" \
    bool hintsLogged "$rewindable"
}

# Sets server_answers, what a running server says of itself; or server_failure.
ask_running_server() {
  server_answers='' server_failure=''
  if ! find_server; then return 0; fi
  if [[ $SERVER_STATUS != ready ]]; then
    server_failure="it accepts no connections (its status is ${SERVER_STATUS:-not known})"
  elif ! server_answers=$(try_sql <<<"$(server_query)"); then
    server_failure=$(last_bytes 1000 "$scratch/sql")
    server_answers=''
  fi
}

server_query() {
  local node names=''
  for node in "${NODES[@]}"; do names+="${names:+,}$(sql_literal "${node,,}")"; done
  values_query in_recovery timeline lsn "current_setting('primary_conninfo')" "current_setting('primary_slot_name')" \
    "SELECT status FROM pg_stat_wal_receiver
      WHERE pid IS NOT NULL AND sender_host = '${NODE_ADDRESS[$PRIMARY]}' AND sender_port = ${NODE_PORT[$PRIMARY]}" \
    "SELECT count(*) FROM pg_stat_replication
      WHERE state = 'streaming' AND lower(application_name) IN ($names)" -- "FROM (
  WITH position AS (
    SELECT pg_is_in_recovery() AS in_recovery,
      CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
        ELSE pg_current_wal_lsn() END AS lsn
  )
  SELECT *, CASE WHEN in_recovery
      THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT min_recovery_end_timeline FROM pg_control_recovery()), (SELECT received_tli FROM pg_stat_wal_receiver WHERE pid IS NOT NULL))
      ELSE ('x' || substr(pg_walfile_name(lsn), 1, 8))::bit(32)::int END AS timeline
  FROM position) place"
}

# Sets server and, of one that answered, diverged and follows.
judge_running_server() {
  local in_recovery timeline position followers
  if [[ -n $server_failure ]]; then
    server=$(json_object bool inRecovery null number timeline null optional lsn '' optional receiver '' number followers 0 \
      text failure "$server_failure")
    return 0
  fi
  take_values "PostgreSQL on $NODE" "$server_answers" 7
  take_bool in_recovery "${VALUES[0]}" "What PostgreSQL on $NODE says of its recovery"
  take timeline timeline "${VALUES[1]}" "The timeline of PostgreSQL on $NODE"
  take lsn position "${VALUES[2]}" "The position of PostgreSQL on $NODE"
  take number followers "${VALUES[6]}" "The followers of $NODE"
  server=$(json_object bool inRecovery "$in_recovery" number timeline "$timeline" text lsn "$position" \
    optional receiver "${VALUES[5]}" number followers "$followers" optional failure '')
  diverged=$(why_diverged "$timeline" "$position")
  if [[ $in_recovery == true && ${VALUES[3]} == "$(primary_conninfo "$PRIMARY")" &&
    ${VALUES[4]} == "${NODE_SLOT[$NODE]}" ]]; then
    follows=true
  fi
}

is_configured_to_follow() {
  [[ -e $DATA/standby.signal && $(configured primary_conninfo) == "$(primary_conninfo "$PRIMARY")" &&
    $(configured primary_slot_name) == "${NODE_SLOT[$NODE]}" ]]
}

port_taken_by() {
  # Our own server on its own port is where it belongs.
  if [[ -n $SERVER_PID && $SERVER_PORT == "$PORT" ]]; then return 0; fi
  listener "$ADDRESS" "$PORT"
}
