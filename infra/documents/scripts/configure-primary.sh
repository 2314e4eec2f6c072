. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/labels.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/replication.sh
. lib/hba.sh
. lib/tls.sh
. lib/fence.sh

# Makes this node a primary that standbys can follow: initialized, running, configured.
main() {
  local initialized=false restarted=false state
  changed=false
  guard
  add_node_settings
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
  ensure_certificate
  apply_settings
  apply_hba "$hba_file"
  if [[ $restart_needed == true ]]; then
    checkpoint_before_stop
    check_epoch
    restart_server
    restarted=true changed=true
    require_settings
  fi
  enable_service
  succeed "$(json_object changed "$changed" initialized "$initialized" restarted "$restarted" \
    settings "$(json_strings ${changed_settings[@]+"${changed_settings[@]}"})" \
    systemIdentifier "\"$(system_identifier "$DATA")\"" version "$(json_string "$version")")"
}

refuse_directory() {
  local names
  names=$(data_directory_sample)
  fail DataDirectoryNotEmpty "$DATA on $NODE is neither empty nor PostgreSQL's; it holds ${names//$'\n'/, }." \
    'Nothing was deleted. Move the contents away, or configure another directory.'
}

# A complete data directory is made beside and put in place in one step: what a killed initdb leaves is in nobody's way.
initialize() {
  local words locales locale=C
  require_replaceable_place
  # Read to its end: grep -q would leave a long list at the first match, and the broken pipe count as no match.
  locales=$(locale -a 2>/dev/null || true)
  if grep -Eqix 'C\.utf-?8' <<<"$locales"; then locale=C.UTF-8; fi
  prepare_incoming
  words=$(as_postgres "$BIN_DIRECTORY/initdb" -D "$INCOMING_DATA" -U "$OS_USER" --auth-local=peer \
    --auth-host="$AUTHENTICATION" --data-checksums -E UTF8 --locale="$locale" 2>&1 </dev/null) ||
    fail InitializationFailed "initdb on $NODE: ${words}" 'Repair what the message says and start the runbook again.'
  # With everything in its files before the first start there is no second one.
  write_file "$INCOMING_DATA/postgresql.auto.conf" "$(cat "$INCOMING_DATA/postgresql.auto.conf" && settings_file)"
  # Replication is for the nodes; initdb lets in everybody on the host who has a password.
  as_postgres sed -Ei '/^host[[:space:]]+replication[[:space:]]+all/d' "$INCOMING_DATA/pg_hba.conf"
  write_file "$INCOMING_DATA/pg_hba.conf" "$(hba_with_block "$INCOMING_DATA/pg_hba.conf")"
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

# Sets in_recovery, version, certificate_file and hba_file.
read_server() {
  local answers
  answers=$(sql <<<"SELECT pg_is_in_recovery(), split_part(current_setting('server_version'), ' ', 1),
    current_setting('ssl_cert_file'), current_setting('hba_file')")
  IFS='|' read -r in_recovery version certificate_file hba_file <<<"$answers"
}

# TLS cannot be switched on without a certificate. One that the operator configured stays.
ensure_certificate() {
  local file=$certificate_file
  if [[ $TLS != on ]]; then return 0; fi
  if [[ $file != /* ]]; then file=$DATA/$file; fi
  if [[ -e $file ]]; then return 0; fi
  if [[ $file != "$DATA/server.crt" ]]; then
    fail ConfigurationRefused "ssl_cert_file of PostgreSQL on $NODE is $file, which does not exist." \
      'Put the certificate there, or reset ssl_cert_file and ssl_key_file.'
  fi
  make_certificate "$DATA"
  changed=true
}

require_settings() {
  read_settings
  if ((${#unsatisfied[@]} > 0)) || [[ $restart_needed == true ]]; then
    fail ConfigurationRefused "After its restart PostgreSQL on $NODE has another value of ${changed_settings[*]-a setting}." \
      'Look for the setting on the command line of PostgreSQL.'
  fi
}
