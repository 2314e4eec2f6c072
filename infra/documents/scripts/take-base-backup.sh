. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/replication.sh
. lib/secrets.sh
. lib/tls.sh
. lib/progress.sh

# Clones the primary: into a directory beside the data directory, verified, then put in place in one step.
main() {
  local identifier started=$SECONDS bytes
  changed=false backup_started=false
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  guard
  identifier=$(primary_system_identifier)
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  if is_member "$identifier"; then
    put_replication_passfile
    succeed "$(json_object changed "$changed" bytes 0 seconds 0)"
  fi
  require_empty_data_directory
  stop_copying
  prepare_incoming
  put_replication_passfile
  backup_started=true
  take_base_backup
  verify_base_backup "$identifier"
  make_it_this_nodes_own
  bytes=$(du -sb -- "$INCOMING_DATA")
  check_epoch
  put_incoming_in_place
  succeed "$(json_object changed true bytes "${bytes%%[!0-9]*}" seconds $((SECONDS - started)))"
}

refuse_own_primary() {
  if [[ $PRIMARY == "$NODE" ]]; then
    fail InvalidInput "$NODE cannot be a copy of itself." 'Give the command another node, or another primary.'
  fi
}

# This node has a copy of that primary already. Whether it streams is the next command's concern.
is_member() {
  [[ $(data_directory_state) == postgres && -e $DATA/standby.signal && $(system_identifier "$DATA") == "$1" ]]
}

require_empty_data_directory() {
  local state names
  state=$(data_directory_state)
  if [[ $state == absent || $state == empty ]]; then return 0; fi
  names=$(data_directory_sample)
  fail DataDirectoryNotEmpty "$DATA on $NODE is not empty; it holds ${names//$'\n'/, }." \
    "Nothing was deleted. If its contents are of no use, move them away and start the runbook again."
}

# A command that was killed leaves its pg_basebackup behind, which holds the slot and writes into the directory.
stop_copying() {
  local pid pids deadline=$((SECONDS + 5))
  while pids=$(copying_processes) && [[ -n $pids ]] && ((SECONDS < deadline)); do
    for pid in $pids; do
      kill -KILL "$pid" || true
    done
    sleep 0.1
  done
}

# PostgreSQL's programs that work in our directory.
copying_processes() {
  local file pid name
  for file in $(grep -lsF -- "$INCOMING_DATA" /proc/[0-9]*/cmdline || true); do
    pid=${file//[!0-9]/}
    if read -r name <"/proc/$pid/comm" && [[ $name == pg_* ]]; then echo "$pid"; fi
  done 2>/dev/null
}

# Runs whenever this command ends, however it ends. A copy that another command makes is not this one's to stop.
on_end() {
  if [[ ${backup_started-} != true ]]; then return 0; fi
  stop_copying
  forget_progress
}

# Copies the primary. The walsender of a copy that was killed holds the slot until the primary notices.
take_base_backup() {
  local attempt
  for attempt in 1 2 3 4 5 6; do
    if followed run_pg_basebackup; then return 0; fi
    if ((attempt == 6)) || ! grep -q 'is active for PID' "$scratch/words"; then break; fi
    sleep 2
    prepare_incoming
  done
  fail BaseBackupFailed "pg_basebackup from $PRIMARY to $NODE: $(last_bytes 3000 "$scratch/words")" \
    'Nothing was put in place. Repair what the message says and start the runbook again.'
}

# followed COMMAND …: runs a command that may take hours, and ends it if a newer operation comes to this host.
# Its output comes through a pipe, whose end is its end: no polling. What is not progress is left in $scratch/words.
followed() {
  local line read_status=0 pid status=0
  : >"$scratch/words"
  mkfifo "$scratch/pipe"
  "$@" >"$scratch/pipe" 2>&1 </dev/null 3>&- 4>&- 9>&- &
  pid=$!
  exec 5<"$scratch/pipe"
  rm "$scratch/pipe"
  # Status 1 is the end of the pipe, above 128 a second without a line.
  until ((read_status == 1)); do
    read_status=0
    read -r -t 1 -u 5 line || read_status=$?
    if ((read_status == 0)); then
      note_progress "$line" || printf '%s\n' "$line" >>"$scratch/words"
    fi
    check_epoch
  done
  exec 5<&-
  wait "$pid" || status=$?
  return "$status"
}

# Not under a node's own name: the stream of a running base backup would count as that synchronous standby, and
# commits would wait for it. A name with spaces is never one of a node. On a blocked primary the copy must not wait.
run_pg_basebackup() {
  as_postgres "$BIN_DIRECTORY/pg_basebackup" -D "$INCOMING_DATA" -Fp -Xs -P -R -w --checkpoint=fast \
    -S "${NODE_SLOT[$NODE]}" \
    -d "$(conninfo "$PRIMARY" "$REPLICATION_USER" "$PASSFILE" "base backup of $NODE") options='-c synchronous_commit=local'"
}

verify_base_backup() {
  if ((MAJOR_VERSION >= 13)); then
    followed run_pg_verifybackup || invalid "pg_verifybackup: $(last_bytes 3000 "$scratch/words")"
  fi
  [[ -e $INCOMING_DATA/backup_label ]] || invalid 'it has no backup_label'
  [[ -e $INCOMING_DATA/standby.signal ]] || invalid 'it has no standby.signal'
  [[ $(<"$INCOMING_DATA/PG_VERSION") == "$MAJOR_VERSION" ]] ||
    invalid "it is of version $(<"$INCOMING_DATA/PG_VERSION"), not $MAJOR_VERSION"
  [[ $(system_identifier "$INCOMING_DATA") == "$1" ]] ||
    invalid "its system identifier is $(system_identifier "$INCOMING_DATA"), the primary's is $1"
}

# Only pg_waldump of the server's own version understands its WAL.
run_pg_verifybackup() {
  local version
  local -a options=(-q)
  version=$("$BIN_DIRECTORY/pg_waldump" --version 2>/dev/null || true)
  if [[ $version != *" $MAJOR_VERSION."* ]]; then options+=(--no-parse-wal); fi
  as_postgres "$BIN_DIRECTORY/pg_verifybackup" "${options[@]}" "$INCOMING_DATA"
}

invalid() {
  fail BaseBackupInvalid "The copy of $PRIMARY on $NODE is not right: $1." \
    'Nothing was put in place. Start the runbook again; if it fails again, check the disks of both hosts.'
}

# A copy has the primary's settings and certificate.
make_it_this_nodes_own() {
  write_standby_settings "$INCOMING_DATA" "$PRIMARY"
  if [[ $TLS == on ]] && certificate_is_ours "$INCOMING_DATA"; then make_certificate "$INCOMING_DATA"; fi
}
