# Stopping a standby whose data is about to be changed.

# Ends the command if PostgreSQL accepts writes here, or is about to: such a node is fenced first. Nothing works in the
# data directory after it, and nothing starts by itself.
stop_standby() {
  if find_server; then
    if ! parse_control_data "$DATA" ||
      [[ $CONTROL_STATE != 'in archive recovery' && ! (-e $DATA/standby.signal && $CONTROL_STATE != 'in production') ]]; then
      fail NodeRunsAsPrimary "PostgreSQL runs on $NODE, and not as a standby (its state is: ${CONTROL_STATE-unknown})." \
        "Nothing was changed. Start the rejoin runbook for $NODE again: it fences it first."
    fi
    changed=true
    stop_within 60 fast || stop_within 10 immediate || true
  fi
  end_remaining
  wait_until_unit_is_down
  end_remaining
}

# A unit may be waiting to restart what has failed, or to start as the host boots, and PostgreSQL would come up in the
# middle of the work. end_remaining has told it to stop, which takes such a start back.
wait_until_unit_is_down() {
  local state deadline=$((SECONDS + 60))
  if [[ $SERVICE_CONTROL != systemd ]]; then return 0; fi
  while state=$(systemctl show -p ActiveState "$SERVICE_UNIT") && [[ $state != ActiveState=@(inactive|failed) ]]; do
    if ((SECONDS >= deadline)); then
      fail StillRunning "The unit $SERVICE_UNIT on $NODE does not stop: $state." \
        "Look at systemctl status $SERVICE_UNIT there, then start the runbook again."
    fi
    sleep 0.1
  done
}
