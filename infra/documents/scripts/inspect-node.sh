. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/ports.sh
. lib/disk.sh
. lib/control-data.sh
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
  primary=$(ask_primary_sql "$(primary_query)")
  IFS=$'\t' read -r oldest_segment segment_bytes <<<"${primary%%$'\n'*}"
  primary=${primary#*$'\n'}
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
    primary "$primary" \
    dataDirectory "$directory" \
    control "$control" \
    controlFailure "$(json_string_or_null "$control_failure")" \
    server "$server" \
    follows "$follows" \
    diverged "$(json_string_or_null "$diverged")" \
    damaged "$(json_string_or_null "$(last_bytes 1000 "$DAMAGED")")" \
    occupiedTablespaces "$(json_strings ${occupied[@]+"${occupied[@]}"})" \
    fenced "$(json_bool is_fenced)" \
    enabled "$(json_bool is_enabled)" \
    formerData "$(json_bool has_discardable_data)" \
    portTakenBy "$(json_string_or_null "$(port_taken_by)")" \
    freeBytes "$(free_bytes_for_copy)" \
    busyWith "$(json_string_or_null "$(busy_with)")")"
}

# What the primary has for this node, through the ordinary connection that pg_rewind uses too: first what this script
# needs, then the result as JSON.
primary_query() {
  local wal_status="'reserved'"
  if ((MAJOR_VERSION >= 13)); then wal_status=wal_status; fi
  cat <<SQL
WITH wal(oldest, bytes) AS ($(oldest_segment_query))
SELECT concat_ws(E'\t', oldest, bytes) || E'\n' || json_build_object(
  'systemIdentifier', '$PRIMARY_IDENTIFIER',
  'timeline', $PRIMARY_TIMELINE,
  'lsn', '$PRIMARY_LSN',
  'oldestSegment', oldest,
  'segmentBytes', bytes,
  'dataBytes', (SELECT sum(pg_database_size(oid)) FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')),
  'slot', (SELECT json_build_object('active', active, 'lost', coalesce($wal_status = 'lost', false))
    FROM pg_replication_slots WHERE slot_name = '${NODE_SLOT[$NODE]}'))
FROM wal
SQL
}

# directory_facts OLDEST_SEGMENT SEGMENT_BYTES
directory_facts() {
  local state version='' identifier=''
  local -a sample=()
  state=$(data_directory_state)
  case $state in
    postgres)
      version=$(<"$DATA/PG_VERSION")
      identifier=$(wal_system_identifier)
      ;;
    other) mapfile -t sample < <(data_directory_sample) ;;
  esac
  json_object \
    state "\"$state\"" \
    sample "$(json_strings ${sample[@]+"${sample[@]}"})" \
    isMountPoint "$(json_bool mountpoint -q -- "$DATA")" \
    linkTo "$(json_string_or_null "$(data_directory_link)")" \
    majorVersion "$(json_string_or_null "$version")" \
    systemIdentifier "$(json_string_or_null "$identifier")" \
    standbySignal "$(json_bool test -e "$DATA/standby.signal")" \
    hasOldestSegment "$(json_bool has_segment_at "$1" "$2")"
}

# Called after read_control_data.
control_facts() {
  local words='' rewindable=null
  if has_own_controldata; then
    words=$(as_postgres "$BIN_DIRECTORY/pg_controldata" -D "$DATA")
    if [[ $words =~ wal_log_hints\ setting:\ +on || $words =~ Data\ page\ checksum\ version:\ +[1-9] ]]; then
      rewindable=true
    else
      rewindable=false
    fi
  fi
  json_object \
    systemIdentifier "\"$(system_identifier "$DATA")\"" \
    state "$(json_string "$CONTROL_STATE")" \
    timeline "$CONTROL_TIMELINE" \
    checkpoint "\"$CONTROL_CHECKPOINT\"" \
    recoveryEnd "\"$RECOVERY_END\"" \
    hintsLogged "$rewindable"
}

# Sets server_answers: what a running server says of itself, first for this script, then as JSON; or server_failure.
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
  cat <<SQL
WITH receiver AS (
  SELECT * FROM pg_stat_wal_receiver WHERE pid IS NOT NULL
), position AS (
  SELECT pg_is_in_recovery() AS in_recovery,
    CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      ELSE pg_current_wal_lsn() END AS lsn
), place AS (
  SELECT *, CASE WHEN in_recovery
      THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT min_recovery_end_timeline FROM pg_control_recovery()), (SELECT received_tli FROM receiver))
      ELSE ('x' || substr(pg_walfile_name(lsn), 1, 8))::bit(32)::int END AS timeline
  FROM position
)
SELECT concat_ws(E'\t', in_recovery, timeline, lsn, current_setting('primary_conninfo'), current_setting('primary_slot_name'))
  || E'\n' || json_build_object(
    'inRecovery', in_recovery,
    'timeline', timeline,
    'lsn', lsn,
    'receiver', (SELECT status FROM receiver
      WHERE sender_host = '${NODE_ADDRESS[$PRIMARY]}' AND sender_port = ${NODE_PORT[$PRIMARY]}),
    'followers', (SELECT count(*) FROM pg_stat_replication
      WHERE state = 'streaming' AND lower(application_name) IN ($names)),
    'failure', NULL)
FROM place
SQL
}

# Sets server and, of one that answered, diverged and follows.
judge_running_server() {
  local in_recovery timeline position conninfo slot
  if [[ -n $server_failure ]]; then
    server=$(json_object inRecovery null timeline null lsn null receiver null followers 0 \
      failure "$(json_string "$server_failure")")
    return 0
  fi
  IFS=$'\t' read -r in_recovery timeline position conninfo slot <<<"${server_answers%%$'\n'*}"
  server=${server_answers#*$'\n'}
  diverged=$(why_diverged "$timeline" "$position")
  if [[ $in_recovery == t && $conninfo == "$(primary_conninfo "$PRIMARY")" && $slot == "${NODE_SLOT[$NODE]}" ]]; then
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
