# What the control file says of a data directory that no server uses. Read by its offsets, which are the same from 12
# to 18: a host may have no pg_controldata of the data's own version.

# read_control_data DIRECTORY: as below; ends the command if the file is not what PostgreSQL writes.
read_control_data() {
  if ! parse_control_data "$1"; then
    fail ControlFileUnreadable "$1/global/pg_control on $NODE is not what PostgreSQL writes." \
      "Rebuild $NODE as a standby: its data directory is damaged."
  fi
}

# parse_control_data DIRECTORY: sets CONTROL_STATE (as pg_controldata names it), CONTROL_TIMELINE, CONTROL_CHECKPOINT,
# and, of a standby, RECOVERY_END with RECOVERY_END_TIMELINE: up to there it has replayed WAL. Status 1 if it cannot be.
# A server that is stopped while it recovers from a crash leaves the state of a stopped standby, without the position
# that only a standby notes: its WAL goes on beyond what it says.
parse_control_data() {
  local checkpoint recovery_end
  local -a states=('starting up' 'shut down' 'shut down in recovery' 'shutting down' 'in crash recovery'
    'in archive recovery' 'in production')
  if ! read_numbers "$1/global/pg_control" 37 || ((NUMBERS[4] >= ${#states[@]})); then return 1; fi
  printf -v checkpoint '%X/%X' "${NUMBERS[9]}" "${NUMBERS[8]}"
  printf -v recovery_end '%X/%X' "${NUMBERS[35]}" "${NUMBERS[34]}"
  if ! fits lsn "$checkpoint" || ! fits lsn "$recovery_end"; then return 1; fi
  CONTROL_STATE=${states[NUMBERS[4]]}
  CONTROL_CHECKPOINT=$checkpoint CONTROL_TIMELINE=$((NUMBERS[12]))
  RECOVERY_END=$recovery_end RECOVERY_END_TIMELINE=$((NUMBERS[36]))
  if [[ $CONTROL_STATE == 'shut down in recovery' && $RECOVERY_END == 0/0 ]]; then CONTROL_STATE='in crash recovery'; fi
}

# Why the control file cannot be believed; nothing if it can. Only pg_controldata of the data's own version knows its checksum.
why_control_data_is_bad() {
  local words
  if [[ ! -r $DATA/global/pg_control ]]; then
    printf 'there is no %s' "$DATA/global/pg_control"
  elif ! parse_control_data "$DATA"; then
    printf '%s is not what PostgreSQL writes' "$DATA/global/pg_control"
  elif has_own_controldata; then
    words=$(as_postgres timeout -k 1 10 "$BIN_DIRECTORY/pg_controldata" -D "$DATA" 2>&1) || printf '%s' "$words"
    # While the server runs the file may be read half written.
    if [[ $words == *CRC* ]] && ! find_server; then printf 'the checksum of %s does not match' "$DATA/global/pg_control"; fi
  fi
}

has_own_controldata() {
  [[ $("$BIN_DIRECTORY/pg_controldata" --version 2>/dev/null) == *" $MAJOR_VERSION."* ]]
}
