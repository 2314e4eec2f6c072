. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/progress.sh

# Reports what this node is and where its WAL is. Creates and changes nothing.
main() {
  local server=null failure='' running=false
  if find_server; then
    running=true
    if ! server=$(try_sql <<<"$(status_query)"); then
      failure=$(last_bytes 2000 "$scratch/sql")
      server=null
    fi
  fi
  succeed "$(json_object \
    node "$(json_string "$NODE")" \
    dataDirectory "\"$(data_directory_state)\"" \
    standbySignal "$(json_bool test -e "$DATA/standby.signal")" \
    running "$running" \
    failure "$(json_string_or_null "$failure")" \
    server "$server" \
    baseBackup "$(base_backup_progress)" \
    busyWith "$(json_string_or_null "$(busy_with)")")"
}

status_query() {
  cat <<'SQL'
SELECT json_build_object(
  'role', CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END,
  'inRecovery', pg_is_in_recovery(),
  'version', split_part(current_setting('server_version'), ' ', 1),
  'startedAt', pg_postmaster_start_time(),
  'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', (SELECT coalesce(
    (SELECT received_tli FROM pg_stat_wal_receiver), timeline_id) FROM pg_control_checkpoint()),
  'currentLsn', CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_lsn() END,
  'receiveLsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END,
  'replayLsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END,
  'synchronousStandbyNames', current_setting('synchronous_standby_names'),
  'walReceiver', (
    SELECT json_build_object('status', status, 'senderHost', sender_host, 'senderPort', sender_port,
      'slot', slot_name, 'lastMessageAt', last_msg_receipt_time)
    FROM pg_stat_wal_receiver),
  'replication', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'user', usename, 'applicationName', application_name, 'clientAddress', host(client_addr),
             'state', state, 'syncState', sync_state, 'syncPriority', sync_priority, 'sentLsn', sent_lsn,
             'writeLsn', write_lsn, 'flushLsn', flush_lsn, 'replayLsn', replay_lsn, 'replyAt', reply_time)
             ORDER BY sync_priority = 0, sync_priority, application_name), '[]')
    FROM pg_stat_replication))
SQL
}

# Progress of the base backup that is being taken; the file of one that was killed does not count.
base_backup_progress() {
  local text=''
  if [[ -r $PROGRESS && -n $(busy_with) ]]; then text=$(<"$PROGRESS"); fi
  if [[ $text =~ :\ ([0-9]+)\ of\ ([0-9]+)\ bytes\ \(([0-9]+)%\)$ ]]; then
    json_object bytesDone "${BASH_REMATCH[1]}" bytesTotal "${BASH_REMATCH[2]}" percent "${BASH_REMATCH[3]}"
  else
    printf null
  fi
}
