. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/replication.sh
. lib/secrets.sh
. lib/ports.sh
. lib/disk.sh

# A server that starts may take this long until it is asked as it is.
readonly START_SECONDS=30

# Reports the facts of preflightFactsSchema; what they mean is judged elsewhere. Creates and changes nothing.
main() {
  local user_exists=false directory secret version
  if id -u -- "$OS_USER" >/dev/null; then user_exists=true; fi
  directory=$(data_directory_facts)
  secret=$(secret_facts "$user_exists")
  version=$(installed_version)
  find_server || true
  # At a boot it starts in the background, after a power cut with a recovery.
  if [[ $SERVER_STATUS == starting ]]; then wait_until_accepting "$START_SECONDS" || true; fi
  succeed "$(json_object \
    bool osUserExists "$user_exists" \
    json missingPrograms "$(missing_programs)" \
    optional postgresVersion "$version" \
    json dataDirectory "$directory" \
    number freeBytes "$(free_bytes_for_copy)" \
    json server "$(server_facts)" \
    optional portTakenBy "$(port_taken_by)" \
    json secret "$secret" \
    optional busyWith "$(busy_with)")"
}

missing_programs() {
  local program
  local -a missing=() programs=(postgres initdb pg_ctl pg_basebackup psql)
  if ((MAJOR_VERSION >= 13)); then programs+=(pg_verifybackup); fi
  for program in "${programs[@]}"; do
    if [[ ! -x $BIN_DIRECTORY/$program ]]; then missing+=("$BIN_DIRECTORY/$program"); fi
  done
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 402)); then missing+=('bash 4.2'); fi
  programs=(aws awk flock grep mountpoint sed setsid)
  if ((EUID == 0)); then programs+=(runuser); fi
  if [[ $TLS == on ]]; then programs+=(openssl); fi
  if [[ $SERVICE_CONTROL == systemd ]]; then programs+=(systemctl); fi
  for program in "${programs[@]}"; do
    if ! type -P "$program" >/dev/null; then missing+=("$program"); fi
  done
  if [[ $SERVICE_CONTROL == systemd ]] && type -P systemctl >/dev/null && ! unit_exists; then
    missing+=("$SERVICE_UNIT")
  fi
  json_strings ${missing[@]+"${missing[@]}"}
}

unit_exists() {
  [[ $(systemctl show -p LoadState "$SERVICE_UNIT") == LoadState=loaded ]]
}

data_directory_facts() {
  local state version='' identifier='' bytes=0
  local -a sample=()
  state=$(data_directory_state)
  case $state in
    postgres)
      version=$(file_text "$DATA/PG_VERSION" 20)
      if [[ -r $DATA/global/pg_control ]]; then identifier=$(system_identifier "$DATA"); fi
      bytes=$(directory_bytes) || exit
      ;;
    other) mapfile -t sample < <(data_directory_sample) ;;
  esac
  json_object \
    text state "$state" \
    json sample "$(json_strings ${sample[@]+"${sample[@]}"})" \
    bool isMountPoint "$(json_bool mountpoint -q -- "$DATA")" \
    optional linkTo "$(data_directory_link)" \
    bool parentWritable "$(json_bool parent_writable)" \
    optional majorVersion "$version" \
    optional systemIdentifier "$identifier" \
    bool standbySignal "$(json_bool test -e "$DATA/standby.signal")" \
    number bytes "$bytes"
}

parent_writable() {
  id -u -- "$OS_USER" >/dev/null && as_postgres test -w "$(existing_parent)"
}

# Called with what find_server found.
server_facts() {
  local answers running=false failure='' in_recovery=null
  if [[ -n $SERVER_PID ]]; then
    running=true
    if answers=$(try_sql <<<"$(values_query 'pg_is_in_recovery()' "current_setting('config_file')" \
      "current_setting('synchronous_standby_names')")"); then
      take_values "PostgreSQL on $NODE" "$answers" 3
      take_bool in_recovery "${VALUES[0]}" "What PostgreSQL on $NODE says of its recovery"
    else
      failure=$(last_bytes 2000 "$scratch/sql")
    fi
  fi
  if [[ $in_recovery == null ]]; then
    json_object bool running "$running" bool inRecovery null optional configFile '' optional synchronousStandbyNames '' \
      optional failure "$failure"
  else
    json_object bool running true bool inRecovery "$in_recovery" text configFile "${VALUES[1]}" \
      text synchronousStandbyNames "${VALUES[2]}" optional failure ''
  fi
}

port_taken_by() {
  # Our own server on its own port is where it belongs.
  if [[ -n $SERVER_PID && $SERVER_PORT == "$PORT" ]]; then return 0; fi
  listener "$ADDRESS" "$PORT"
}

# secret_facts USER_EXISTS: only the PostgreSQL user logs in to other nodes.
secret_facts() {
  local user='' failure=''
  local -a refusals=()
  if fetch_secret "$REPLICATION_SECRET"; then
    user=$SECRET_USER
    if [[ $user != "$REPLICATION_USER" && $1 == true ]]; then mapfile -t refusals < <(refusals); fi
  else
    failure=$SECRET_FAILURE
  fi
  json_object optional user "$user" optional failure "$failure" \
    json refusals "$(json_strings ${refusals[@]+"${refusals[@]}"})"
}

# What PostgreSQL on the other nodes says to the secret's user, one line each; asked all at once.
refusals() {
  local node
  write_scratch_file passfile "$(pgpass_lines "$SECRET_USER" "$SECRET_PASSWORD")"
  for node in "${NODES[@]}"; do
    if [[ $node != "$NODE" ]]; then refusal "$node" "$scratch/passfile" & fi
  done
  wait
}

# A node that does not answer says nothing.
refusal() {
  local node=$1 words scratch=$scratch
  scratch=$(mktemp -d "$scratch/refusal.XXXXXX")
  if identify_system "$node" "$SECRET_USER" "$2" 3 >/dev/null; then return 0; fi
  words=$(connection_words)
  if ! is_no_answer "$words"; then printf '%s: %s\n' "$node" "${words//$'\n'/ }"; fi
}
