# Tablespaces: a base backup puts each at the path that it has on the primary, and only into an empty directory.

# Directories of the primary's tablespaces that hold something on this host, one a line. (From 15 on a tablespace may be
# inside the data directory; it has no path of its own.) After ask_primary.
occupied_tablespaces() {
  local locations location
  locations=$(ask_primary_sql "SELECT location FROM pg_tablespace, pg_tablespace_location(oid) AS location
    WHERE location LIKE '/%' ORDER BY 1") || exit
  while IFS= read -r location; do
    if [[ -z $location ]]; then continue; fi
    take path location "$location" "The directory of a tablespace of $PRIMARY"
    if as_postgres_function is_occupied "$location"; then printf '%s\n' "$location"; fi
  done <<<"$locations"
}

# Only as the PostgreSQL user: the path is what another node says.
is_occupied() {
  shopt -s nullglob dotglob
  if [[ -d $1 ]]; then
    set -- "$1"/*
    (($# > 0))
  else
    [[ -e $1 ]]
  fi
}

require_free_tablespaces() {
  local occupied
  occupied=$(occupied_tablespaces) || exit
  if [[ -z $occupied ]]; then return 0; fi
  occupied=${occupied//$'\n'/, }
  if [[ -e $DATA ]]; then occupied+=" and $DATA"; fi
  fail TablespaceNotEmpty "A base backup puts the tablespaces of $PRIMARY where they are there, into empty directories; on $NODE there is something in ${occupied% and "$DATA"}." \
    "Nothing was changed. Stop PostgreSQL on $NODE, move $occupied away, leave empty directories of $OS_USER in the place of the tablespaces, and start the runbook again."
}
