# Starting and stopping PostgreSQL: through its systemd unit, or with pg_ctl.

# Seconds: a start may have to recover from a crash first, a stop hands the rest of the WAL to the standbys, after a
# checkpoint.
readonly start_limit=300 stop_limit=300 checkpoint_limit=150
# Seconds of the whole command within which a start that gets on with its recovery is waited for.
readonly start_patience=540
readonly SERVER_LOG=$STATE/postgresql.log

# Starts the server and waits until it accepts connections.
start_server() {
  mark_log
  case $SERVICE_CONTROL in
    systemd)
      # A unit that failed too often is otherwise refused although its cause is repaired.
      systemctl reset-failed "$SERVICE_UNIT" || true
      # It would wait without limit for a standby that never becomes consistent.
      systemctl start --no-block "$SERVICE_UNIT" || start_failed "systemctl start $SERVICE_UNIT failed"
      wait_while_unit_starts
      ;;
    # It gives up waiting where we may still wait.
    pg_ctl) pg_ctl_start || find_server || start_failed "pg_ctl start failed" ;;
  esac
  wait_until_started || start_failed "PostgreSQL does not accept connections"
}

# wait_until_started: status 1 if the server ended, or got on with nothing for as long as a start may take. Before a
# standby is consistent it replays, for hours after a long base backup; that it does shows in its process title only.
# Sets replaying where the command's time ended before that.
wait_until_started() {
  local segment='' before since=$SECONDS
  replaying=''
  until wait_until_accepting 5; do
    find_server || return 1
    before=$segment segment=$(segment_in_replay)
    if [[ $segment > $before ]]; then since=$SECONDS; fi
    if ((SECONDS - since >= start_limit)); then return 1; fi
    if ((SECONDS >= start_patience)); then
      if [[ -n $segment ]]; then replaying="it is not consistent yet, and replays segment $segment"; fi
      return 1
    fi
  done
}

# The segment, without its timeline, that the startup process names in its title (as one that it replays, or asks the
# archive for); nothing if it names none.
segment_in_replay() {
  local file title
  for file in $(grep -alsE '^postgres: .*startup +(recovering|waiting for) ' /proc/[0-9]*/cmdline || true); do
    if [[ ${file%/cmdline}/cwd -ef $DATA ]]; then
      title=$(tr -d '\0' <"$file" || true)
      if [[ $title =~ (recovering|waiting\ for)\ [0-9A-F]{8}([0-9A-F]{16}) ]]; then printf '%s' "${BASH_REMATCH[2]}"; fi
    fi
  done
}

pg_ctl_start() {
  as_postgres "$BIN_DIRECTORY/pg_ctl" start -D "$DATA" -w -t "$start_limit" -s -l "$SERVER_LOG" </dev/null
}

# Until the server is there, ready or not; or the unit says that it will not be.
wait_while_unit_starts() {
  local deadline=$((SECONDS + start_limit))
  while ! find_server && ((SECONDS < deadline)); do
    if unit_has_ended; then start_failed "systemctl start $SERVICE_UNIT failed"; fi
    sleep 0.1
  done
}

# Whether the unit does not run and nothing is about to start it: while a job waits, it may still be ending.
unit_has_ended() {
  local state
  state=$(systemctl show -p ActiveState -p SubState -p Job "$SERVICE_UNIT")
  [[ $state != *Job=[1-9]* &&
    ($state == *ActiveState=failed* || $state == *ActiveState=inactive* || $state == *SubState=auto-restart*) ]]
}

# Whatever happens on the way: a server that was stopped here is started, by this run or by the next one.
restart_server() {
  stop_within "$stop_limit" fast || still_stopping
  start_server
}

# Makes the checkpoint of a shutdown that follows short. What cannot even do that is not stopped.
checkpoint_before_stop() {
  sql_options="$sql_options -c statement_timeout=${checkpoint_limit}s" try_sql <<<'CHECKPOINT' ||
    sql_failed SqlFailed 'Nothing was stopped. Start the runbook again when a checkpoint takes less time there.'
}

# A server that stops is gone soon; then it can be started as any that does not run.
wait_while_stopping() {
  local deadline=$((SECONDS + stop_limit))
  while find_server && [[ $SERVER_STATUS == stopping ]]; do
    if ((SECONDS >= deadline)); then still_stopping; fi
    sleep 0.1
  done
}

still_stopping() {
  fail ShutdownTimedOut "PostgreSQL on $NODE has not shut down within $stop_limit s, and still does. $(server_log)" \
    'Start the runbook again: it starts PostgreSQL as soon as that has ended. A standby, a session or an archive_command that hangs may hold it up.'
}

# stop_within SECONDS MODE: status 1 if PostgreSQL still runs then.
stop_within() {
  local limit deadline
  take number limit "$1" 'A time limit'
  deadline=$((SECONDS + limit))
  find_server || return 0
  changed=true
  if [[ $SERVICE_CONTROL == systemd ]]; then
    # Without it the unit might start again what ends outside of it.
    systemctl stop --no-block "$SERVICE_UNIT" || true
  fi
  if [[ $SERVICE_CONTROL != systemd || $2 != fast ||
    $(systemctl show -p MainPID "$SERVICE_UNIT") != "MainPID=$SERVER_PID" ]]; then
    as_postgres "$BIN_DIRECTORY/pg_ctl" stop -D "$DATA" -m "$2" -W -s || true
  fi
  while find_server; do
    if ((SECONDS >= deadline)); then return 1; fi
    sleep 0.05
  done
}

# Whether PostgreSQL starts when the host boots. Without systemd whatever boots the host starts it where this file is.
is_enabled() {
  case $SERVICE_CONTROL in
    systemd) systemctl is-enabled --quiet "$SERVICE_UNIT" ;;
    pg_ctl) [[ -e $STATE/autostart ]] ;;
  esac
}

# Lets PostgreSQL start when the host boots, and says so in `changed` if it did not already.
enable_service() {
  if is_enabled; then return 0; fi
  case $SERVICE_CONTROL in
    systemd) systemctl enable --quiet "$SERVICE_UNIT" ;;
    pg_ctl) as_postgres touch -- "$STATE/autostart" ;;
  esac
  changed=true
}

# Keeps PostgreSQL from starting when the host boots, and says so in `changed` if it was not kept already.
disable_service() {
  if ! is_enabled; then return 0; fi
  case $SERVICE_CONTROL in
    systemd) systemctl disable --quiet "$SERVICE_UNIT" ;;
    pg_ctl) as_postgres rm -f -- "$STATE/autostart" ;;
  esac
  changed=true
}

start_failed() {
  # Neither broken nor behind for good: no reason to copy it anew.
  if [[ -n ${replaying-} && -e $DATA/standby.signal ]]; then still_replaying; fi
  fail StartFailed "On $NODE: $1. $(server_log)" 'Repair what the log says and start the runbook again.'
}

still_replaying() {
  fail StandbyCatchingUp "PostgreSQL on $NODE replays WAL that is on its host already, and does not stream before that is done: $replaying." \
    "Nothing is broken: wait, and start the runbook again. If the position stays, look on $NODE at recovery_min_apply_delay, pg_is_wal_replay_paused(), the disks and the log."
}

# Remembers where the server's log ends, so that only what a start adds is quoted.
mark_log() {
  log_mark=0 log_since=@$(printf '%(%s)T' -1)
  if [[ -f $SERVER_LOG ]]; then take number log_mark "$(stat -L -c %s -- "$SERVER_LOG")" "The size of $SERVER_LOG"; fi
}

# The end of the server's log, with the name of the log.
server_log() {
  local file='' line log='' size
  # The collector writes elsewhere than pg_ctl and systemd do.
  while read -r line; do
    if [[ $line == stderr\ * ]]; then file=${line#stderr }; fi
  done <<<"$(file_text "$DATA/current_logfiles" 4096)"
  if [[ -n $file && $file != /* ]]; then file=$DATA/$file; fi
  if [[ $SERVICE_CONTROL == pg_ctl && -f $SERVER_LOG ]]; then
    take number size "$(stat -L -c %s -- "$SERVER_LOG")" "The size of $SERVER_LOG"
    size=$((size - ${log_mark:-0}))
    if ((size > 0)); then log+=$(file_end "$SERVER_LOG" $((size < 16384 ? size : 16384)) | tail -n 15); fi
  elif [[ $SERVICE_CONTROL == systemd ]]; then
    log+=$(journalctl -u "$SERVICE_UNIT" --since "${log_since:-today}" -n 15 -o cat --no-pager 2>&1 || true)
  fi
  if [[ -n $file ]]; then log+=$'\n'$(file_end "$file" 16384 | tail -n 10); fi
  printf 'The end of its log:\n%s' "$log"
}
