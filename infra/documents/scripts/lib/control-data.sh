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
}

# lsn HIGH LOW: as PostgreSQL prints it.
lsn() {
  printf '%X/%X' "$1" "$2"
}

# lsn_number LSN: bytes from the beginning of the WAL.
lsn_number() {
  printf '%s' $(((16#${1%/*} << 32) + 16#${1#*/}))
}
