. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/replication.sh
. lib/hba.sh
. lib/tls.sh
. lib/node-configuration.sh
. lib/fence.sh

# Makes this node a primary that standbys can follow: initialized, running, configured.
main() {
  local initialized=false restarted=false state
  changed=false
  guard
  state=$(data_directory_state)
  case $state in
    absent | empty)
      initialize
      initialized=true changed=true
      ;;
    other) refuse_directory ;;
  esac
  ensure_running
  read_server
  if [[ $in_recovery == t ]]; then not_the_primary 'is in recovery: it is a standby'; fi
  configure_node
  if [[ $restart_needed == true ]]; then
    checkpoint_before_stop
    check_epoch
    restart_server
    restarted=true changed=true
    require_settings
  fi
  enable_service
  # shellcheck disable=SC2086 # names, one word each
  succeed "$(json_object bool changed "$changed" bool initialized "$initialized" bool restarted "$restarted" \
    json settings "$(json_strings $changed_settings)" \
    text systemIdentifier "$(system_identifier "$DATA")" text version "$version")"
}

refuse_directory() {
  local names
  names=$(data_directory_sample)
  fail DataDirectoryNotEmpty "$DATA on $NODE is neither empty nor PostgreSQL's; it holds ${names//$'\n'/, }." \
    'Nothing was deleted. Move the contents away, or configure another directory.'
}

# A complete data directory is made beside and put in place in one step: what a killed initdb leaves is in nobody's way.
initialize() {
  local words locales locale=C text
  require_replaceable_place
  # Read to its end: grep -q would leave a long list at the first match, and the broken pipe count as no match.
  locales=$(locale -a 2>/dev/null || true)
  if grep -Eqix 'C\.utf-?8' <<<"$locales"; then locale=C.UTF-8; fi
  prepare_incoming
  words=$(as_postgres "$BIN_DIRECTORY/initdb" -D "$INCOMING_DATA" -U "$OS_USER" --auth-local=peer \
    --auth-host="$AUTHENTICATION" --data-checksums -E UTF8 --locale="$locale" 2>&1 </dev/null) ||
    fail InitializationFailed "initdb on $NODE: ${words}" 'Repair what the message says and start the runbook again.'
  # With everything in its files before the first start there is no second one.
  text=$(whole_text "$INCOMING_DATA/postgresql.auto.conf")
  write_file "$INCOMING_DATA/postgresql.auto.conf" "$text
$(settings_file)"
  # Replication is for the nodes; initdb lets in everybody on the host who has a password.
  as_postgres sed -Ei '/^host[[:space:]]+replication[[:space:]]+all/d' "$INCOMING_DATA/pg_hba.conf"
  text=$(hba_with_block "$INCOMING_DATA/pg_hba.conf")
  write_file "$INCOMING_DATA/pg_hba.conf" "$text"
  if [[ $TLS == on ]]; then make_certificate "$INCOMING_DATA"; fi
  check_epoch
  put_incoming_in_place
}

ensure_running() {
  wait_while_stopping
  if find_server; then
    wait_until_accepting "$start_limit" || start_failed 'PostgreSQL runs and does not accept connections'
  else
    refuse_fenced
    if [[ -e $DATA/standby.signal ]]; then not_the_primary 'has a standby.signal: it is a stopped standby'; fi
    changed=true
    # A command may have been killed right after its rename.
    restore_labels
    start_server
  fi
}

# Sets in_recovery and version.
read_server() {
  local answers
  answers=$(sql <<<"SELECT pg_is_in_recovery(), split_part(current_setting('server_version'), ' ', 1)")
  in_recovery='' version=''
  take_row "PostgreSQL on $NODE" "$answers" flag in_recovery text version
}
