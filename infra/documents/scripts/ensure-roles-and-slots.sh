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

# Gives the primary the two roles with the passwords of their secrets, and a slot for every other node.
main() {
  local replication_password monitoring_password
  changed=false changed_roles=() changed_slots=() roles_without_password=' '
  if [[ $PRIMARY != "$NODE" ]]; then not_the_primary "is not the primary, $PRIMARY is"; fi
  ask_for_secrets "$MONITORING_SECRET" "$REPLICATION_SECRET"
  require_secret "$MONITORING_SECRET"
  require_secret_user "$MONITORING_SECRET" "$MONITORING_USER"
  monitoring_password=$SECRET_PASSWORD
  require_secret "$REPLICATION_SECRET"
  require_secret_user "$REPLICATION_SECRET" "$REPLICATION_USER"
  replication_password=$SECRET_PASSWORD
  guard
  require_server
  require_primary
  # After a switchover this node needs it as any other does.
  put_replication_passfile
  repair_roles_and_slots
  set_missing_passwords "$replication_password" "$monitoring_password"
  ensure_password "$REPLICATION_USER" "$replication_password" replication=true IDENTIFY_SYSTEM
  ensure_password "$MONITORING_USER" "$monitoring_password" dbname=postgres 'SELECT 1'
  succeed "$(json_object bool changed "$changed" \
    json roles "$(json_strings ${changed_roles[@]+"${changed_roles[@]}"})" \
    json slots "$(json_strings ${changed_slots[@]+"${changed_slots[@]}"})")"
}

# Works out what is missing, then does that.
repair_roles_and_slots() {
  local rows kind name statement statements=''
  rows=$(sql <<<"$(missing_roles_and_slots)")
  while IFS='|' read -r kind name statement; do
    case $kind in
      role) role_changed "$name" ;;
      slot) changed_slots+=("$name") ;;
      password) roles_without_password+="$name " ;;
    esac
    if [[ -n $statement ]]; then statements+="$statement;"$'\n'; fi
  done <<<"$rows"
  if [[ -n $statements ]]; then
    sql <<<"$statements" >/dev/null
    changed=true
  fi
}

role_changed() {
  changed=true
  if [[ " ${changed_roles[*]-} " != *" $1 "* ]]; then changed_roles+=("$1"); fi
}

# SQL whose rows are kind|name|statement: what is not as it should be, and the statement that repairs it.
missing_roles_and_slots() {
  local node
  # The names need no quoting: the configuration allows lower-case letters, digits and _ only.
  cat <<SQL
WITH wanted(name, attributes) AS (
  VALUES ('$REPLICATION_USER', 'LOGIN REPLICATION'), ('$MONITORING_USER', 'LOGIN')
), role AS (
  SELECT w.*, r.oid, r.rolpassword,
         r.rolcanlogin AND (r.rolreplication OR w.attributes = 'LOGIN')
         AND (r.rolvaliduntil IS NULL OR r.rolvaliduntil > now()) AS fits
  FROM wanted w LEFT JOIN pg_authid r ON r.rolname = w.name
)
SELECT 'role', name, format('CREATE ROLE %I %s', name, attributes) FROM role WHERE oid IS NULL
UNION ALL
SELECT 'role', name, format('ALTER ROLE %I %s VALID UNTIL %L', name, attributes, 'infinity')
FROM role WHERE NOT fits
UNION ALL
SELECT 'password', name, NULL FROM role WHERE rolpassword IS NULL
UNION ALL
SELECT 'role', name, format('GRANT pg_monitor TO %I', name)
FROM role
WHERE name = '$MONITORING_USER' AND NOT EXISTS (
  SELECT FROM pg_auth_members WHERE roleid = 'pg_monitor'::regrole AND member = role.oid);

-- What pg_rewind reads from a source through an ordinary connection.
SELECT 'role', '$REPLICATION_USER', format('GRANT EXECUTE ON FUNCTION %s TO %I', f.oid::regprocedure, '$REPLICATION_USER')
FROM unnest(ARRAY[
  'pg_ls_dir(text, boolean, boolean)', 'pg_stat_file(text, boolean)', 'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)']::regprocedure[]) AS f(oid)
LEFT JOIN pg_roles r ON r.rolname = '$REPLICATION_USER'
WHERE r.oid IS NULL OR NOT has_function_privilege(r.oid, f.oid, 'EXECUTE');
SQL
  for node in "${NODES[@]}"; do
    if [[ $node != "$NODE" ]]; then missing_slot "${NODE_SLOT[$node]}"; fi
  done
}

# A slot that has lost WAL will never serve its standby again; it is made anew for the copy that follows.
missing_slot() {
  local create="SELECT FROM pg_create_physical_replication_slot(''$1'', true)"
  if ((MAJOR_VERSION >= 13)); then
    cat <<SQL
SELECT 'slot', slot_name, 'SELECT FROM pg_drop_replication_slot(''$1''); $create'
FROM pg_replication_slots WHERE slot_name = '$1' AND wal_status = 'lost' AND NOT active;
SQL
  fi
  cat <<SQL
SELECT 'slot', '$1', '$create'
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '$1');
SQL
}

# set_missing_passwords REPLICATION_PASSWORD MONITORING_PASSWORD: of roles that have none, which is all that are new.
set_missing_passwords() {
  local -a pairs=()
  if [[ $roles_without_password == *" $REPLICATION_USER "* ]]; then pairs+=("$REPLICATION_USER" "$1"); fi
  if [[ $roles_without_password == *" $MONITORING_USER "* ]]; then pairs+=("$MONITORING_USER" "$2"); fi
  if ((${#pairs[@]} > 0)); then set_passwords "${pairs[@]}"; fi
}

# ensure_password USER PASSWORD DATABASE QUERY: sets the password unless a login with it works already.
ensure_password() {
  write_scratch_file passfile "$(pgpass_lines "$1" "$2")"
  if login_works "$1" "$3" "$4"; then return 0; fi
  if [[ $roles_without_password != *" $1 "* ]]; then
    set_passwords "$1" "$2"
    if login_works "$1" "$3" "$4"; then return 0; fi
  fi
  fail SqlFailed "$1 cannot log in to $NODE after its password was set: $(connection_words)" \
    "Look at pg_hba.conf and at the password's length: psql before version 14 takes 99 characters."
}

login_works() {
  in_session env PGCONNECT_TIMEOUT=10 "$BIN_DIRECTORY/psql" -w -X -q -A -t \
    -d "$(conninfo "$NODE" "$1" "$scratch/passfile" runbook) $2" -c "$3" </dev/null 2>"$scratch/identify" >/dev/null
}

# psql's \password sends a verifier only: no clear password reaches the server or its log. Without a terminal it
# reads each password, twice, from standard input. set_passwords USER PASSWORD...
set_passwords() {
  local -a commands=()
  local passwords='' users=''
  while (($# > 0)); do
    commands+=(-c "\\password $1")
    passwords+=$2$'\n'$2$'\n'
    users+=${users:+, }$1
    role_changed "$1"
    shift 2
  done
  printf '%s' "$passwords" |
    try_psql -d postgres ${commands[@]+"${commands[@]}"} >/dev/null ||
    sql_failed SqlFailed "Set the password of $users by hand and start the runbook again."
}
