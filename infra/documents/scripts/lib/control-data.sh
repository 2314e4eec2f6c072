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
  local -a word
  local -a states=('starting up' 'shut down' 'shut down in recovery' 'shutting down' 'in crash recovery'
    'in archive recovery' 'in production')
  mapfile -t word < <(od -An -v -w4 -tu4 -N148 -- "$1/global/pg_control")
  if ((${#word[@]} != 37 || word[4] >= ${#states[@]})); then return 1; fi
  CONTROL_STATE=${states[word[4]]}
  CONTROL_CHECKPOINT=$(lsn "${word[9]}" "${word[8]}")
  CONTROL_TIMELINE=$((word[12]))
  RECOVERY_END=$(lsn "${word[35]}" "${word[34]}")
  RECOVERY_END_TIMELINE=$((word[36]))
  if [[ $CONTROL_STATE == 'shut down in recovery' && $RECOVERY_END == 0/0 ]]; then CONTROL_STATE='in crash recovery'; fi
}

# lsn HIGH LOW: as PostgreSQL prints it.
lsn() {
  printf '%X/%X' "$1" "$2"
}

# lsn_number LSN: bytes from the beginning of the WAL.
lsn_number() {
  printf '%s' $(((16#${1%/*} << 32) + 16#${1#*/}))
}

# Why the control file cannot be believed; nothing if it can. Only pg_controldata of the data's own version knows its checksum.
why_control_data_is_bad() {
  local words
  if [[ ! -r $DATA/global/pg_control ]]; then
    printf 'there is no %s' "$DATA/global/pg_control"
  elif ! parse_control_data "$DATA"; then
    printf '%s is not what PostgreSQL writes' "$DATA/global/pg_control"
  elif has_own_controldata; then
    words=$(as_postgres "$BIN_DIRECTORY/pg_controldata" -D "$DATA" 2>&1) || printf '%s' "$words"
    # While the server runs the file may be read half written.
    if [[ $words == *CRC* ]] && ! find_server; then printf 'the checksum of %s does not match' "$DATA/global/pg_control"; fi
  fi
}

has_own_controldata() {
  [[ $("$BIN_DIRECTORY/pg_controldata" --version 2>/dev/null) == *" $MAJOR_VERSION."* ]]
}
