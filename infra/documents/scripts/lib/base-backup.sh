# A copy of the primary: made and verified in the incoming directory, from where a rename puts it in place.
# The command that uses this sets changed.

# make_copy SYSTEM_IDENTIFIER: leaves a verified copy in the incoming directory, set as this node's own; its size in copy_bytes.
make_copy() {
  stop_copying
  prepare_incoming
  put_replication_passfile
  backup_started=true
  take_base_backup
  verify_base_backup "$1"
  make_it_this_nodes_own
  copy_bytes=$(as_postgres du -sb -- "$INCOMING_DATA")
  take number copy_bytes "${copy_bytes%%[!0-9]*}" "The size of $INCOMING_DATA"
}

# A command that was killed leaves its pg_basebackup behind, which holds the slot and writes into the directory. What
# this command itself has begun may be about to start it: it would make the directory again, without its marker.
stop_copying() {
  local pid pids deadline=$((SECONDS + 30))
  while pids=$(copying_processes) && { [[ -n $pids ]] || is_following; } && ((SECONDS < deadline)); do
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
  # Nothing is left of it where it was put in place; else it would take the room that the next one needs.
  discard_incoming
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

# Not under a node's own name: the stream of a running base backup would count as that synchronous standby, and
# commits would wait for it. A name with spaces is never one of a node. On a blocked primary the copy must not wait.
run_pg_basebackup() {
  sql_options=$COPY_OPTIONS in_session "$BIN_DIRECTORY/pg_basebackup" -D "$INCOMING_DATA" -Fp -Xs -P -R -w --checkpoint=fast \
    -S "${NODE_SLOT[$NODE]}" \
    -d "$(conninfo "$PRIMARY" "$REPLICATION_USER" "$PASSFILE" "base backup of $NODE")"
}

verify_base_backup() {
  local version
  if ((MAJOR_VERSION >= 13)); then
    followed run_pg_verifybackup || invalid "pg_verifybackup: $(last_bytes 3000 "$scratch/words")"
  fi
  [[ -e $INCOMING_DATA/backup_label ]] || invalid 'it has no backup_label'
  [[ -e $INCOMING_DATA/standby.signal ]] || invalid 'it has no standby.signal'
  version=$(file_text "$INCOMING_DATA/PG_VERSION" 20)
  [[ $version == "$MAJOR_VERSION" ]] || invalid "it is of version $(harmless "$version"), not $MAJOR_VERSION"
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
