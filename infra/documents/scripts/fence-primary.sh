. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/control-data.sh
. lib/fence.sh

# Seconds: writers wait while a primary stops cleanly; one that is given up gets less.
readonly clean_limit=20 fast_limit=5 immediate_limit=6
readonly why_fenced='a failover promotes another node'

# Stops PostgreSQL on a primary, or a former one, and keeps it stopped. A node that is a standby accepts no writes
# anyway and is left alone.
main() {
  local running=false
  changed=false
  guard
  if [[ $(data_directory_state) != postgres ]]; then
    refuse_clean 'has no data directory of PostgreSQL'
    # Its disk may only not be mounted: what is there must not start when it is.
    put_fence "$why_fenced"
    end_remaining
    succeed "$(json_object bool changed "$changed" text role none bool wasRunning false bool cleanShutdown false)"
  fi
  read_control_data "$DATA"
  if would_be_standby; then
    refuse_clean 'is a standby'
    succeed "$(json_object bool changed false text role standby bool wasRunning "$(json_bool find_server)" \
      bool cleanShutdown false)"
  fi
  if find_server; then running=true; fi
  if [[ $MODE == clean ]]; then stop_cleanly; else stop_anyway; fi
  read_control_data "$DATA"
  succeed "$(json_object bool changed "$changed" text role primary bool wasRunning "$running" \
    bool cleanShutdown "$(json_bool test "$CONTROL_STATE" = 'shut down')" text state "$CONTROL_STATE" \
    number timeline "$CONTROL_TIMELINE" text lastCheckpointLsn "$CONTROL_CHECKPOINT" \
    text standbyNames "$(configured synchronous_standby_names)" text at "$(utc_time)")"
}

# A switchover stops a primary that runs here, and nothing else.
refuse_clean() {
  if [[ $MODE == clean ]]; then
    fail PrimaryNotRunning "No primary runs on $NODE: it $1." 'Look at the nodes, and start the switchover again.'
  fi
}

# Standbys get all WAL, the checkpoint of the shutdown included. One checkpoint before makes that one short.
stop_cleanly() {
  if find_server; then
    sql_options="$sql_options -c statement_timeout=300s" sql <<<'CHECKPOINT'
    check_epoch
    put_fence 'stopped cleanly for a switchover'
    stop_within "$clean_limit" fast || fail ShutdownTimedOut \
      "PostgreSQL on $NODE did not shut down within $clean_limit s. $(server_log)" \
      'A standby that does not take its WAL holds a shutdown up: look at pg_stat_replication, then start again.'
  elif ! is_fenced; then
    fail PrimaryNotRunning "PostgreSQL on $NODE does not run, and no switchover has stopped it." \
      'Start it (the setup runbook does), or fail over.'
  fi
  end_remaining
  read_control_data "$DATA"
  if [[ $CONTROL_STATE != 'shut down' ]]; then
    fail NotShutDownCleanly "PostgreSQL on $NODE has stopped, but not cleanly: its state is $CONTROL_STATE." \
      'Its standbys may lack WAL. Start it again (the setup runbook does), or fail over.'
  fi
}

# Nothing that can write is left, whatever it takes.
stop_anyway() {
  put_fence "$why_fenced"
  stop_within "$fast_limit" fast || stop_within "$immediate_limit" immediate || true
  end_remaining
}
