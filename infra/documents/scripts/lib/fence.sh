# A fenced node: PostgreSQL does not run there, does not start when the host boots, and setup does not start it.

readonly FENCED=$STATE/fenced

is_fenced() {
  [[ -e $FENCED ]]
}

# The mark comes first: from here on nothing of ours starts this node as a primary.
put_fence() {
  if ! is_fenced; then
    changed=true
    write_file "$FENCED" "operation $EPOCH at $(utc_time): $1"
  fi
  disable_service
}

lift_fence() {
  if is_fenced; then
    changed=true
    as_postgres rm -f -- "$FENCED"
  fi
}

# Ends the command on a fenced node: it may lack what its successor has committed since.
refuse_fenced() {
  if ! is_fenced; then return 0; fi
  fail NodeIsFenced "$NODE was fenced as a former primary: $(file_text "$FENCED" 1000)." \
    "Start the rejoin runbook for $NODE. If no other node was promoted (a switchover or failover was stopped on its way), start that runbook again."
}

# Whether what is in the data directory would run as a standby: the server removes the signal when it is promoted.
would_be_standby() {
  [[ -e $DATA/standby.signal && ($CONTROL_STATE != 'in production' || -e $DATA/backup_label) ]]
}

# Ends whatever still works in the data directory, or is only just starting: a session outlives its postmaster for a
# while, and a host that boots may be about to start PostgreSQL.
end_remaining() {
  local pids clean=0 deadline=$((SECONDS + 10))
  if [[ $SERVICE_CONTROL == systemd ]]; then systemctl stop --no-block "$SERVICE_UNIT" || true; fi
  pids=$(server_processes)
  if [[ -z $pids ]]; then return 0; fi
  changed=true
  # What is being started may show only when its parent has gone: two looks in a row must find nothing.
  while ((clean < 2)); do
    if ((SECONDS >= deadline)); then
      fail StillRunning "On $NODE processes of PostgreSQL cannot be ended: ${pids//$'\n'/ }." \
        'Stop the instance in the EC2 console.'
    fi
    # shellcheck disable=SC2086 # numbers, one word each
    if [[ -n $pids ]]; then kill -KILL $pids || true; fi
    sleep 0.1
    pids=$(server_processes)
    if [[ -n $pids ]]; then clean=0; else clean=$((clean + 1)); fi
  done
}

# Processes of PostgreSQL that work in the data directory, or are about to.
server_processes() {
  local entry name
  for entry in /proc/[0-9]*; do
    name=''
    read -r name <"$entry/comm" || true
    if [[ $name == postgres || $name == postmaster || $name == pg_ctl ]] &&
      { [[ $entry/cwd -ef $DATA ]] || grep -qszxF -- "$DATA" "$entry/cmdline"; }; then
      echo "${entry#/proc/}"
    fi
  done 2>/dev/null
}
