. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/former-data.sh

# Removes the data directories that rebuilds have set aside, once this node streams from the primary. What may hold
# commits that nobody else has stays for a person.
main() {
  local directory streams
  local -a directories=() removed=() kept=()
  changed=false
  guard
  require_server
  streams=$(sql <<<"SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'
    AND sender_host = '${NODE_ADDRESS[$PRIMARY]}' AND sender_port = ${NODE_PORT[$PRIMARY]}")
  if [[ $streams != 1 ]]; then
    fail StandbyNotStreaming "$NODE does not stream from $PRIMARY: its former data stays." \
      "Start the rejoin runbook for $NODE again."
  fi
  mapfile -t directories < <(former_directories)
  for directory in ${directories[@]+"${directories[@]}"}; do
    if [[ -e $directory/keep && -d $directory/data ]]; then
      kept+=("$directory/data")
    else
      changed=true
      if [[ -d $directory/data ]]; then removed+=("$directory/data"); fi
      as_postgres_function remove_former "$directory"
    fi
  done
  succeed "$(json_object bool changed "$changed" json directories "$(json_strings ${removed[@]+"${removed[@]}"})" \
    json kept "$(json_strings ${kept[@]+"${kept[@]}"})")"
}
