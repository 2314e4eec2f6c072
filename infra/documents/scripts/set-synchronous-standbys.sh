. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/standby-names.sh

# Sets synchronous_standby_names on the primary unless it means the same already.
main() {
  local previous current
  changed=false
  guard
  require_server
  require_primary
  previous=$(standby_names)
  if [[ $(standby_names_meaning "$previous") != "$(standby_names_meaning "$STANDBY_NAMES")" ]]; then
    changed=true
    try_psql -d postgres -v names="$STANDBY_NAMES" <<<"ALTER SYSTEM SET synchronous_standby_names = :'names'" ||
      sql_failed ConfigurationRefused 'Check the names of the nodes in clusters.json.'
    reload_and_wait
  fi
  current=$(standby_names)
  if [[ $(standby_names_meaning "$current") != "$(standby_names_meaning "$STANDBY_NAMES")" ]]; then
    fail ConfigurationRefused "PostgreSQL on $NODE keeps synchronous_standby_names = $current." \
      'Look for the setting on the command line of PostgreSQL, or for errors in its configuration files.'
  fi
  succeed "$(json_object bool changed "$changed" text previous "$previous" text current "$current")"
}

standby_names() {
  sql <<<'SHOW synchronous_standby_names'
}
