# Stopping a standby whose data is about to be changed.

# Ends the command if PostgreSQL accepts writes here, or is about to: such a node is fenced first.
stop_standby() {
  if ! find_server; then return 0; fi
  if ! parse_control_data "$DATA" ||
    [[ $CONTROL_STATE != 'in archive recovery' && ! (-e $DATA/standby.signal && $CONTROL_STATE != 'in production') ]]; then
    fail NodeRunsAsPrimary "PostgreSQL runs on $NODE, and not as a standby (its state is: ${CONTROL_STATE-unknown})." \
      "Nothing was changed. Start the rejoin runbook for $NODE again: it fences it first."
  fi
  changed=true
  stop_within 60 fast || stop_within 10 immediate || true
  end_remaining
}
