# How far the WAL of the running server goes, whatever its role.

# Where this node's WAL is: sets IN_RECOVERY, TIMELINE, RECEIVED_LSN (on disk, replayed or not), REPLAYED_LSN,
# RECEIVER (the process that receives WAL, or nothing) and END_KNOWN. Until that is t, RECEIVED_LSN is a lower bound.
#
# A server that was started anew knows only what it has replayed so far: pg_last_wal_receive_lsn() is NULL until all WAL
# on its disk is replayed and a receiver is asked for. Without a receiver the same shows when the startup process waits
# for WAL. Whether the end is known is asked first: what is read after that goes at least that far.
read_wal_positions() {
  local rows
  rows=$(sql <<<"SELECT NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() IS NOT NULL
      OR EXISTS ($(startup_waiting_for_wal)),
    (SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver');
    SELECT pg_is_in_recovery(),
    CASE WHEN pg_is_in_recovery() THEN coalesce((SELECT nullif(received_tli, 0) FROM pg_stat_wal_receiver),
        (SELECT greatest(c.timeline_id, r.min_recovery_end_timeline) FROM pg_control_checkpoint() c, pg_control_recovery() r))
      ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
    CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
      ELSE pg_current_wal_lsn() END,
    CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_lsn() END")
  take_row "PostgreSQL on $NODE" "${rows%%$'\n'*}" flag END_KNOWN 'number?' RECEIVER
  take_row "PostgreSQL on $NODE" "${rows#*$'\n'}" flag IN_RECOVERY timeline TIMELINE lsn RECEIVED_LSN lsn REPLAYED_LSN
  if [[ $IN_RECOVERY == t ]]; then newer_timeline; fi
}

# SQL: a row while the startup process has nothing left to replay and waits for WAL: until it tries again, or until some
# is streamed. Before version 13 these two are RecoveryWalStream and RecoveryWalAll.
startup_waiting_for_wal() {
  cat <<'SQL'
SELECT FROM pg_stat_activity WHERE backend_type = 'startup'
AND wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream', 'RecoveryWalAll')
SQL
}

# The control file is behind; a standby has the history of each timeline that it has received.
newer_timeline() {
  local file number line left
  for file in "$DATA"/pg_wal/????????.history; do
    if ! timeline_of number "$file" || ((number <= TIMELINE)); then continue; fi
    left=''
    while IFS= read -r line; do
      if read_switch "$line"; then left=$SWITCH_LSN; fi
    done <<<"$(file_text "$file")"
    if [[ -n $left ]] && precedes "$left" "$RECEIVED_LSN"; then TIMELINE=$number; fi
  done
}
