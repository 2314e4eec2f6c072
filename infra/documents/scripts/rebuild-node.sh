. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/wal-files.sh
. lib/fence.sh
. lib/stop-standby.sh
. lib/damage.sh
. lib/former-data.sh
. lib/tablespaces.sh
. lib/tls.sh
. lib/progress.sh
. lib/base-backup.sh

# Copies the primary anew. The old data stays where it is until the copy is verified; then it is set aside, and kept
# until the node streams.
main() {
  local identifier started=$SECONDS
  changed=false
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  guard
  identifier=$(primary_system_identifier)
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  require_replaceable "$identifier"
  if is_fresh_copy "$identifier"; then
    put_replication_passfile
    succeed "$(json_object bool changed "$changed" number bytes 0 number seconds 0 optional formerData "$(newest_former_data)")"
  fi
  require_free_tablespaces
  if [[ -e $DATA ]]; then
    stop_standby
    put_fence 'it is copied anew'
  fi
  make_copy "$identifier"
  check_epoch
  if [[ $(data_directory_state) == postgres ]]; then set_aside "replaced by a copy of $PRIMARY at $(utc_time), operation $EPOCH"; fi
  put_incoming_in_place
  unmark_damaged
  succeed "$(json_object bool changed true number bytes "$copy_bytes" number seconds $((SECONDS - started)) \
    optional formerData "$(newest_former_data)" optional progressFailure "$(progress_failure)")"
}

# Only data of this very cluster is ever replaced; the WAL tells whose it is when the control file cannot.
require_replaceable() {
  local state found names why
  require_replaceable_place
  state=$(data_directory_state)
  if [[ $state == other ]]; then
    names=$(data_directory_sample)
    fail DataDirectoryNotEmpty "$DATA on $NODE is not PostgreSQL's; it holds ${names//$'\n'/, }." \
      'Nothing was changed. If its contents are of no use, move them away and start rejoin again.'
  fi
  if [[ $state != postgres ]]; then return 0; fi
  why=$(why_control_data_is_bad)
  if [[ -n $why ]]; then found=$(wal_system_identifier); else found=$(system_identifier "$DATA"); fi
  if [[ $found != "$1" ]]; then
    fail ForeignData "$DATA on $NODE belongs to another cluster: its system identifier is ${found:-unknown}, that of $PRIMARY is $1." \
      "Nothing was changed. Find out whose data it is. If nobody needs it, move it away and start rejoin again."
  fi
}

# A copy that an earlier run has put in place and nobody has started yet.
is_fresh_copy() {
  local why
  why=$(why_control_data_is_bad) || exit
  [[ $(data_directory_state) == postgres && -e $DATA/standby.signal && -e $DATA/backup_label &&
    -z $why && ! -s $DAMAGED ]] && ! find_server &&
    file_text "$DATA/postgresql.auto.conf" 1048576 | grep -a "^primary_slot_name = '${NODE_SLOT[$NODE]}'" >/dev/null && [[ $(system_identifier "$DATA") == "$1" ]]
}
