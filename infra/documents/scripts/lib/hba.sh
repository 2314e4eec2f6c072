# pg_hba.conf: a block of ours at its top, since the first line that matches decides. It names our two users only;
# the operator's lines below it stay as they are.

readonly HBA_BEGIN="# BEGIN lines of the runbooks of cluster $CLUSTER; edit below END only"
readonly HBA_END="# END lines of the runbooks of cluster $CLUSTER"

hba_block() {
  local kind=host node address network seen=' '
  if [[ $TLS == on ]]; then kind=hostssl; fi
  echo "$HBA_BEGIN"
  for node in "${NODES[@]}"; do
    for address in "${NODE_ADDRESS[$node]}" "${NODE_CONNECTS_FROM[$node]}"; do
      if [[ $seen == *" $address "* ]]; then continue; fi
      seen+="$address "
      # The database is for pg_rewind, which needs an ordinary connection too.
      echo "$kind replication,postgres $REPLICATION_USER $address/32 $AUTHENTICATION"
      echo "$kind postgres $MONITORING_USER $address/32 $AUTHENTICATION"
    done
  done
  for network in "${OBSERVER_NETWORKS[@]}"; do
    echo "$kind postgres $MONITORING_USER $network $AUTHENTICATION"
  done
  # From anywhere else no line below may let the replication user in.
  echo "host replication,all $REPLICATION_USER all reject"
  echo "$HBA_END"
}

# The file with the block at its top and without an earlier one.
hba_with_block() {
  local text
  text=$(whole_text "$1") || exit
  hba_block
  # Lines after a BEGIN whose END is gone are the operator's as far as anyone can tell: they stay.
  awk -v begin="$HBA_BEGIN" -v end="$HBA_END" '
    $0 == begin { inside = 1; held = ""; next }
    inside && $0 == end { inside = 0; next }
    inside { held = held $0 "\n"; next }
    { print }
    END { if (inside) printf "%s", held }' <<<"$text"
}

# Puts the block into the running server's file and has it in force; a file that PostgreSQL would refuse does not stay.
# Nothing is taken for granted because the text is right: an earlier run may have been killed after writing it.
configure_hba() {
  local file before wanted answer unread errors
  answer=$(sql <<<'SHOW hba_file')
  file=''
  take path file "$answer" "hba_file of PostgreSQL on $NODE"
  before=$(whole_text "$file")
  wanted=$(hba_with_block "$file")
  put_file "$file" "$wanted"
  # The time of a file is in whole seconds.
  answer=$(sql <<<"SELECT modification >= date_trunc('second', pg_conf_load_time()),
      (SELECT string_agg('line ' || line_number || ': ' || error, '; ') FROM pg_hba_file_rules WHERE error IS NOT NULL)
    FROM pg_stat_file($(sql_literal "$file"))")
  unread='' errors=''
  take_row "PostgreSQL on $NODE" "$answer" flag unread 'text?' errors
  if [[ -n $errors ]]; then
    if [[ $before != "$wanted" ]]; then write_file "$file" "$before"; fi
    fail ConfigurationRefused "PostgreSQL on $NODE refuses $file with the runbooks' lines at its top: $errors" \
      'The file is as it was. Repair its lines and start the runbook again.'
  fi
  if [[ $unread != f ]]; then reload_and_wait; fi
}
