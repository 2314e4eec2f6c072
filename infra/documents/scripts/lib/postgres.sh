# PostgreSQL on this host: is it running, and what does it say.

# What every session of ours sets, over what the server, the database and the role say. Names mean PostgreSQL's own
# objects: a user who may create others could make one that fits a call better, and its code would run as the superuser
# (https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058). Values are read and written in one form. A serializable
# transaction would fail on a standby, and a deferrable one wait.
# One line, which pg_basebackup can write into a configuration file.
SESSION_SETTINGS='-c search_path=pg_catalog -c default_transaction_isolation=read\ committed'
SESSION_SETTINGS+=' -c default_transaction_read_only=off -c default_transaction_deferrable=off -c row_security=off'
SESSION_SETTINGS+=' -c jit=off -c standard_conforming_strings=on -c transform_null_equals=off'
SESSION_SETTINGS+=' -c quote_all_identifiers=off -c DateStyle=ISO -c IntervalStyle=postgres -c TimeZone=UTC'
SESSION_SETTINGS+=' -c extra_float_digits=1 -c client_min_messages=notice -c idle_in_transaction_session_timeout=60s'
readonly SESSION_SETTINGS

# What a command may choose for its own sessions. None waits for a standby: a blocked cluster must still be repairable.
sql_options='-c synchronous_commit=local -c statement_timeout=30s -c lock_timeout=10s'
# The same for a program that copies a node, which may take hours.
COPY_OPTIONS='-c synchronous_commit=local -c statement_timeout=0 -c lock_timeout=0'
COPY_OPTIONS+=' -c idle_in_transaction_session_timeout=0'
readonly COPY_OPTIONS

# in_session PROGRAM ARGUMENT…: runs a client of PostgreSQL as the PostgreSQL user, with the settings of our sessions.
in_session() {
  as_postgres env PGOPTIONS="$SESSION_SETTINGS $sql_options" PGCLIENTENCODING=UTF8 "$@"
}

# Reads postmaster.pid: an adopted server may still run on another port than the configured one.
# Sets SERVER_PID, SERVER_PORT, SERVER_SOCKET_DIRECTORY and SERVER_STATUS; status 1 if no server runs.
#
# Asked many times a second, so root reads it without a process for it: not through a link, a beginning only, and nothing
# of it is used that is not of its format.
find_server() {
  local text='' file=$DATA/postmaster.pid
  local -a lines=()
  SERVER_PID='' SERVER_PORT='' SERVER_SOCKET_DIRECTORY='' SERVER_STATUS=''
  if [[ ! -f $file || -L $file || ! -r $file ]]; then return 1; fi
  # Without its end a file makes read fail.
  { IFS= read -r -d '' -n 4096 text <"$file" || true; } 2>/dev/null
  while [[ $text == *$'\n'* ]]; do
    lines+=("${text%%$'\n'*}")
    text=${text#*$'\n'}
  done
  if [[ ! ${lines[0]:-} =~ ^[1-9][0-9]{0,9}$ ]]; then return 1; fi
  # The process number may have passed to another program: PostgreSQL's own has the data directory as its own.
  if [[ ! /proc/${lines[0]}/cwd -ef $DATA ]]; then return 1; fi
  SERVER_PID=${lines[0]}
  if [[ ${lines[3]:-} =~ ^[1-9][0-9]{0,4}$ ]]; then SERVER_PORT=${lines[3]}; fi
  if fits path "${lines[4]:-}"; then SERVER_SOCKET_DIRECTORY=$ACCEPTED; fi
  case ${lines[7]:-} in
    starting* | stopping* | ready* | standby*) SERVER_STATUS=${lines[7]%% *} ;;
  esac
}

# Waits until the server accepts connections; status 1 if it ended or the seconds are over.
wait_until_accepting() {
  local limit deadline
  take number limit "$1" 'A time limit'
  deadline=$((SECONDS + limit))
  while ((SECONDS < deadline)); do
    find_server || return 1
    if [[ $SERVER_STATUS == ready ]]; then return 0; fi
    sleep 0.05
  done
  return 1
}

# Ends the command if no server runs here.
require_server() {
  find_server || fail PostgresNotAnswering "PostgreSQL does not run on $NODE." \
    'Start it, or start the setup runbook: it does.'
}

# Runs the SQL of standard input on the Unix socket as the superuser; PostgreSQL's words in $scratch/sql.
try_sql() {
  try_psql -d postgres
}

# psql with the given options. In a session of its own it has no terminal, so it never asks there.
try_psql() {
  # Only a superuser may choose the language of messages, in which some are looked for.
  sql_options="$sql_options -c lc_messages=C" in_session setsid env PGCONNECT_TIMEOUT=10 PGAPPNAME=runbook \
    "$BIN_DIRECTORY/psql" -w -X -q -A -t -v ON_ERROR_STOP=1 -U "$OS_USER" \
    -h "$SERVER_SOCKET_DIRECTORY" -p "$SERVER_PORT" "$@" 2>"$scratch/sql"
}

# The same; ends the command if a statement fails.
sql() {
  try_sql || sql_failed SqlFailed 'Repair what the message says and start the runbook again.'
}

# sql_failed NAME REMEDY: ends the command with what psql said.
sql_failed() {
  local name=$1
  if grep -q '^psql: ' "$scratch/sql"; then name=PostgresNotAnswering; fi
  fail "$name" "PostgreSQL on $NODE: $(last_bytes 3000 "$scratch/sql")" "$2"
}

# A text as an SQL literal.
sql_literal() {
  local text=$1 literal='' character i
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    if [[ $character == "'" ]]; then character="''"; fi
    literal+=$character
  done
  printf "'%s'" "$literal"
}

# Ends the command if the running server is in recovery.
require_primary() {
  local in_recovery
  take flag in_recovery "$(sql <<<'SELECT pg_is_in_recovery()')" "What PostgreSQL on $NODE says of its recovery"
  if [[ $in_recovery == t ]]; then not_the_primary 'is in recovery: it is a standby'; fi
}

not_the_primary() {
  fail NotThePrimary "$NODE $1." 'Nothing was changed. Run preflight to see which node is the primary.'
}

# Has the server read its configuration again, and waits until it has. A session hears of it between two statements.
reload_and_wait() {
  local since loaded='' deadline=$((SECONDS + 10))
  since=$(sql <<<"SELECT clock_timestamp() AS since \\gset
    SELECT :'since', pg_reload_conf();
    SELECT pg_sleep(0.02);
    SELECT pg_conf_load_time() >= :'since'")
  loaded=${since##*$'\n'}
  take moment since "${since%%|*}" "The time of PostgreSQL on $NODE"
  while [[ $loaded != t ]]; do
    if ((SECONDS >= deadline)); then
      fail ConfigurationRefused "PostgreSQL on $NODE did not reload its configuration within 10 s. $(server_log)" \
        'Repair what the log says and start the runbook again.'
    fi
    sleep 0.05
    loaded=$(sql <<<"SELECT pg_conf_load_time() >= '$since'")
  done
}

# The value that a setting will have when the stopped server starts.
configured() {
  as_postgres timeout -k 1 10 "$BIN_DIRECTORY/postgres" -C "$1" -D "$DATA" || true
}

# The system identifier of a data directory: the first eight bytes of its control file, in every version.
system_identifier() {
  local identifier=''
  if [[ -f $1/global/pg_control ]]; then
    identifier=$(as_postgres timeout -k 1 5 od -An -tu8 -N8 -- "$1/global/pg_control")
  fi
  if fits identifier "${identifier//[[:space:]]/}"; then printf '%s' "$ACCEPTED"; fi
}

# Version of the installed programs, such as 15.18; nothing if they do not run.
installed_version() {
  local -a words
  read -r -a words <<<"$("$BIN_DIRECTORY/postgres" --version 2>/dev/null || true)"
  printf '%s' "${words[2]:-}"
}
