# Starting and stopping PostgreSQL: through its systemd unit, or with pg_ctl.

# Seconds: a start may have to recover from a crash first, a stop hands the rest of the WAL to the standbys.
readonly start_limit=300 stop_limit=120
readonly SERVER_LOG=$STATE/postgresql.log

# Starts the server and waits until it accepts connections.
start_server() {
  mark_log
  case $SERVICE_CONTROL in
    systemd)
      # A unit that failed too often is otherwise refused although its cause is repaired.
      systemctl reset-failed "$SERVICE_UNIT" || true
      systemctl start "$SERVICE_UNIT" || start_failed "systemctl start $SERVICE_UNIT failed"
      ;;
    pg_ctl) pg_ctl_start || start_failed "pg_ctl start failed" ;;
  esac
  wait_until_accepting "$start_limit" || start_failed "PostgreSQL does not accept connections"
}

pg_ctl_start() {
  as_postgres "$BIN_DIRECTORY/pg_ctl" start -D "$DATA" -w -t "$start_limit" -s -l "$SERVER_LOG" </dev/null
}

restart_server() {
  stop_server
  start_server
}

stop_server() {
  # A server that was started by hand is not the unit's to stop.
  if [[ $SERVICE_CONTROL == systemd && $(systemctl show -p MainPID "$SERVICE_UNIT") == "MainPID=$SERVER_PID" ]]; then
    systemctl stop "$SERVICE_UNIT"
  else
    as_postgres "$BIN_DIRECTORY/pg_ctl" stop -D "$DATA" -m fast -w -t "$stop_limit" -s
  fi
}

# Lets PostgreSQL start when the host boots, and says so in `changed` if it did not already.
enable_service() {
  case $SERVICE_CONTROL in
    systemd)
      if systemctl is-enabled --quiet "$SERVICE_UNIT"; then return 0; fi
      systemctl enable --quiet "$SERVICE_UNIT"
      ;;
    pg_ctl)
      # Whatever boots the host starts PostgreSQL where this file is.
      if [[ -e $STATE/autostart ]]; then return 0; fi
      as_postgres touch -- "$STATE/autostart"
      ;;
  esac
  changed=true
}

# Keeps PostgreSQL from starting when the host boots, and says so in `changed` if it was not kept already.
disable_service() {
  case $SERVICE_CONTROL in
    systemd)
      if ! systemctl is-enabled --quiet "$SERVICE_UNIT"; then return 0; fi
      systemctl disable --quiet "$SERVICE_UNIT"
      ;;
    pg_ctl)
      if [[ ! -e $STATE/autostart ]]; then return 0; fi
      as_postgres rm -f -- "$STATE/autostart"
      ;;
  esac
  changed=true
}

start_failed() {
  fail StartFailed "On $NODE: $1. $(server_log)" 'Repair what the log says and start the runbook again.'
}

# Remembers where the server's log ends, so that only what a start adds is quoted.
mark_log() {
  log_mark=0 log_since=@$(printf '%(%s)T' -1)
  if [[ -e $SERVER_LOG ]]; then log_mark=$(stat -c %s -- "$SERVER_LOG"); fi
}

# The end of the server's log, with the name of the log.
server_log() {
  local file='' line log=''
  if [[ -r $DATA/current_logfiles ]]; then
    # The collector writes elsewhere than pg_ctl and systemd do.
    while read -r line; do
      if [[ $line == stderr\ * ]]; then file=${line#stderr }; fi
    done <"$DATA/current_logfiles"
    if [[ -n $file && $file != /* ]]; then file=$DATA/$file; fi
  fi
  if [[ $SERVICE_CONTROL == pg_ctl && -e $SERVER_LOG ]]; then
    log+=$(tail -c "+$((${log_mark:-0} + 1))" -- "$SERVER_LOG" | tail -n 15)
  elif [[ $SERVICE_CONTROL == systemd ]]; then
    log+=$(journalctl -u "$SERVICE_UNIT" --since "${log_since:-today}" -n 15 -o cat --no-pager 2>&1 || true)
  fi
  if [[ -n $file && -r $file ]]; then log+=$'\n'$(tail -n 10 -- "$file"); fi
  printf 'The end of its log:\n%s' "$log"
}
