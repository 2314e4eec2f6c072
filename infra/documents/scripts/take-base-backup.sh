. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/replication.sh
. lib/secrets.sh
. lib/tls.sh
. lib/progress.sh
. lib/tablespaces.sh
. lib/base-backup.sh

# Clones the primary: into a directory beside the data directory, verified, then put in place in one step.
main() {
  local identifier started=$SECONDS
  changed=false
  refuse_own_primary
  require_secret "$REPLICATION_SECRET"
  guard
  identifier=$(primary_system_identifier)
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  if is_member "$identifier"; then
    put_replication_passfile
    succeed "$(json_object bool changed "$changed" number bytes 0 number seconds 0)"
  fi
  require_replaceable_place
  require_empty_data_directory
  require_free_tablespaces
  make_copy "$identifier"
  check_epoch
  put_incoming_in_place
  succeed "$(json_object bool changed true number bytes "$copy_bytes" number seconds $((SECONDS - started)) \
    optional progressFailure "$(progress_failure)")"
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
