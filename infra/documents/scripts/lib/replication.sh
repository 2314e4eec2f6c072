# How this node follows another one.

readonly PASSFILE=$STATE/pgpass

refuse_own_primary() {
  if [[ $PRIMARY == "$NODE" ]]; then
    fail InvalidInput "$NODE cannot be a copy of itself." 'Give the command another node, or another primary.'
  fi
}

# conninfo NODE USER PASSFILE APPLICATION: the connection string to another node, without its database.
conninfo() {
  printf 'host=%s port=%s user=%s passfile=%s application_name=%s sslmode=%s gssencmode=disable' \
    "${NODE_ADDRESS[$1]}" "${NODE_PORT[$1]}" "$(conninfo_value "$2")" "$(conninfo_value "$3")" \
    "$(conninfo_value "$4")" "$SSLMODE"
}

# A value of a connection string.
conninfo_value() {
  local text=$1 value='' character i
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    if [[ $character == [\'\\] ]]; then character="\\$character"; fi
    value+=$character
  done
  printf "'%s'" "$value"
}

# primary_conninfo by which this node streams from another, under its own name.
primary_conninfo() {
  conninfo "$1" "$REPLICATION_USER" "$PASSFILE" "$NODE"
}

# replication_command COMMAND NODE USER PASSFILE SECONDS: logs in to another node for replication, and prints its answer.
# Status 1 with its words in $scratch/identify.
replication_command() {
  local status=0 seconds
  take number seconds "$5" 'The time for an answer'
  in_session env PGCONNECT_TIMEOUT="$seconds" timeout "$((seconds + 5))" \
    "$BIN_DIRECTORY/psql" -w -X -q -A -t -F ' ' \
    -d "$(conninfo "$2" "$3" "$4" "access check of $NODE") replication=true" \
    -c "$1" 2>"$scratch/identify" </dev/null || status=$?
  if ((status == 124)); then echo 'timeout expired' >>"$scratch/identify"; fi
  return "$status"
}

# identify_system NODE USER PASSFILE SECONDS: the same; the answer is system identifier, timeline, position.
identify_system() {
  replication_command IDENTIFY_SYSTEM "$@"
}

# ask_primary COMMAND: the same of the primary, by the login of the base backup and of streaming. The password comes
# from a file that goes with the command: a node that is refused is left as it was.
ask_primary() {
  write_scratch_file passfile "$(pgpass_lines "$SECRET_USER" "$SECRET_PASSWORD")"
  replication_command "$1" "$PRIMARY" "$SECRET_USER" "$scratch/passfile" 10 || primary_refused
}

# The system identifier of the primary.
primary_system_identifier() {
  local answer identifier
  # The caller is a substitution itself, in which bash goes on after an error.
  answer=$(ask_primary IDENTIFY_SYSTEM) || exit
  take identifier identifier "${answer%% *}" "The system identifier of $PRIMARY"
  printf '%s' "$identifier"
}

# Whatever PostgreSQL itself answers to a login is a refusal (its words may be in another language than English),
# unless it only means: not now. What psql says when nobody answered is always English here.
is_no_answer() {
  case $1 in
    *'Connection refused'* | *'timeout expired'* | *'timed out'* | *'No route to host'* | *'is unreachable'* | \
      *'Host is down'* | *'Connection reset'* | *'closed the connection unexpectedly'* | *'could not translate'* | \
      *'system is starting up'* | *'system is shutting down'* | *'in recovery mode'* | *'too many clients'* | \
      *'slots are reserved'* | *'exceeds max_wal_senders'* | *'not yet accepting connections'*)
      return 0
      ;;
  esac
  return 1
}

# Ends the command with what the primary, or the way to it, said.
primary_refused() {
  local words remedy
  words=$(connection_words)
  if is_no_answer "$words"; then
    fail PrimaryUnreachable "$NODE cannot connect to $PRIMARY (${NODE_ADDRESS[$PRIMARY]}:${NODE_PORT[$PRIMARY]}): $words" \
      "Check that PostgreSQL runs on $PRIMARY and that security groups and firewalls let $NODE reach its port."
  fi
  remedy="Run setup: it lets $REPLICATION_USER in from every node and sets its password from the secret."
  fail ReplicationUserRefused "$PRIMARY refused $SECRET_USER, who came from $NODE: $words" "$remedy"
}

# What PostgreSQL said to a login, without what psql adds: its name, and the file that goes with the command.
connection_words() {
  local words
  words=$(last_bytes 3000 "$scratch/identify" | grep -v '^password retrieved from file' || true)
  words=${words#psql: }
  printf '%s' "${words#error: }"
}

# ask_primary_sql QUERY: asks the primary's database as the replication user; after ask_primary, whose file it uses.
ask_primary_sql() {
  local status=0
  sql_options="$sql_options -c statement_timeout=20s" in_session env PGCONNECT_TIMEOUT=10 timeout 30 \
    "$BIN_DIRECTORY/psql" -w -X -q -A -t \
    -v ON_ERROR_STOP=1 -d "$(conninfo "$PRIMARY" "$SECRET_USER" "$scratch/passfile" runbook) dbname=postgres" \
    -c "$1" 2>"$scratch/identify" </dev/null || status=$?
  if ((status == 1 || status == 3)); then
    fail SqlFailed "$PRIMARY, asked by $NODE as $SECRET_USER: $(connection_words)" \
      'Run setup: it grants the replication user what the runbooks need.'
  fi
  if ((status != 0)); then primary_refused; fi
}

# The primary's settings that a copy must not keep; its own come after them.
standby_settings() {
  printf "primary_conninfo = '%s'\n" "$(double_quotes "$(primary_conninfo "$1")")"
  printf "primary_slot_name = '%s'\n" "${NODE_SLOT[$NODE]}"
  printf "synchronous_standby_names = ''\n"
  printf "port = %s\n" "$PORT"
  printf "listen_addresses = '%s'\n" "${NODE_LISTEN_ADDRESSES[$NODE]}"
  if [[ -n $SOCKET_DIRECTORY ]]; then printf "unix_socket_directories = '%s'\n" "$SOCKET_DIRECTORY"; fi
}

# A text inside the quotes of a configuration file: ' and \ doubled.
double_quotes() {
  local text=$1 doubled='' character i
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    if [[ $character == [\'\\] ]]; then character+=$character; fi
    doubled+=$character
  done
  printf '%s' "$doubled"
}

# write_standby_settings DIRECTORY PRIMARY: makes postgresql.auto.conf of a stopped node this node's own.
# The last line of a name wins, and pg_basebackup -R only adds: lines of these names from elsewhere are dropped.
write_standby_settings() {
  local file=$1/postgresql.auto.conf kept own='primary_conninfo|primary_slot_name|synchronous_standby_names'
  own+='|port|listen_addresses|unix_socket_directories'
  kept=$(lines_without "^[[:space:]]*($own)([[:space:]]|=)" "$file")
  put_file "$file" "$kept
$(standby_settings "$2")"
}
