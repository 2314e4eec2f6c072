# What a standby needs before it is promoted, so that nothing is missing when it accepts writes.

# prepare_promotion: what the other nodes need to follow this one, and the rule that STANDBY_NAMES is: set before the
# first commit, which would otherwise return without a standby. It has no effect while the node is in recovery.
prepare_promotion() {
  make_slots
  configure_node
  put_standby_names ''
}

# The same when there is no primary any more. Nothing is promoted without the rule. But a node that could not be brought
# up to date is a better primary than none: the rule holds there, so nothing is lost by it, and whatever could follow it
# before still can. Sets attempt_failure.
prepare_late_promotion() {
  attempt "$configuration_limit" make_slots changed
  try_to_configure_node
  put_standby_names ''
}

make_slots() {
  local node statements='' made
  for node in "${NODES[@]}"; do
    if [[ $node != "$NODE" ]]; then statements+=$(slot_statements "${NODE_SLOT[$node]}"); fi
  done
  made=$(sql <<<"$statements")
  if [[ -n $made ]]; then changed=true; fi
}

# Not reserved: if the node is not promoted after all, the slot keeps no WAL.
slot_statements() {
  if ((MAJOR_VERSION >= 13)); then
    cat <<SQL
SELECT 'dropped' FROM pg_replication_slots s, LATERAL pg_drop_replication_slot(s.slot_name)
WHERE s.slot_name = '$1' AND s.wal_status = 'lost' AND NOT s.active;
SQL
  fi
  cat <<SQL
SELECT 'created' FROM pg_create_physical_replication_slot('$1', false)
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$1');
SQL
}

# Sets what follows by ALTER SYSTEM too, given as more statements, and waits until all of it is in force.
put_standby_names() {
  local current
  current=$(sql <<<'SHOW synchronous_standby_names')
  if [[ -z $1 && $(standby_names_meaning "$current") == "$(standby_names_meaning "$STANDBY_NAMES")" ]]; then return 0; fi
  changed=true
  try_psql -d postgres -v names="$STANDBY_NAMES" <<<"ALTER SYSTEM SET synchronous_standby_names = :'names'; $1" ||
    sql_failed ConfigurationRefused 'Check the names of the nodes in clusters.json.'
  reload_and_wait
  current=$(sql <<<'SHOW synchronous_standby_names')
  if [[ $(standby_names_meaning "$current") != "$(standby_names_meaning "$STANDBY_NAMES")" ]]; then
    fail ConfigurationRefused "PostgreSQL on $NODE keeps synchronous_standby_names = $current." \
      'Look for the setting on the command line of PostgreSQL, or for errors in its configuration files.'
  fi
}
