. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh

# Points a standby that stopped following back to its primary, which need not run yet: no other node was promoted.
main() {
  local settings in_recovery
  changed=false
  guard
  require_server
  settings=$(sql <<<"SELECT pg_is_in_recovery(), current_setting('primary_conninfo')")
  take flag in_recovery "${settings%%|*}" "What PostgreSQL on $NODE says of its recovery"
  if [[ $in_recovery == f ]]; then
    fail NodeRunsAsPrimary "PostgreSQL on $NODE runs as a primary." 'Look at the cluster; nothing was changed.'
  fi
  if [[ $settings != "t|$(primary_conninfo "$PRIMARY")" ]]; then
    changed=true
    sql >/dev/null <<<"ALTER SYSTEM SET primary_conninfo = $(sql_literal "$(primary_conninfo "$PRIMARY")");
      ALTER SYSTEM SET primary_slot_name = '${NODE_SLOT[$NODE]}';"
    if ((MAJOR_VERSION >= 13)); then reload_and_wait; else restart_server; fi
  fi
  succeed "$(json_object bool changed "$changed")"
}
