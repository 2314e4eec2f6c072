. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/fence.sh

# Seconds that a shutdown which has begun may still take.
readonly ending_limit=30

# Lets a fenced primary be the primary again, because no other node was promoted; starts it if asked to.
main() {
  local started=false
  changed=false
  require_secret "$REPLICATION_SECRET"
  guard
  read_control_data "$DATA"
  if would_be_standby; then
    fail NotThePrimary "$NODE is a standby by now." 'Look at the cluster; nothing was changed.'
  fi
  require_no_successor
  check_epoch
  lift_fence
  enable_service
  if [[ $START == yes ]]; then
    if find_server && [[ $SERVER_STATUS == stopping ]]; then
      stop_within "$ending_limit" fast || stop_within "$ending_limit" immediate || true
    fi
    if ! find_server; then
      changed=true started=true
      start_server
    fi
  fi
  succeed "$(json_object changed "$changed" started "$started")"
}

# A node on a later timeline has been promoted: two primaries would be worse than none.
require_no_successor() {
  local node answer timeline
  write_scratch_file passfile "$(pgpass_lines "$SECRET_USER" "$SECRET_PASSWORD")"
  for node in "${NODES[@]}"; do
    if [[ $node == "$NODE" ]]; then continue; fi
    answer=$(identify_system "$node" "$SECRET_USER" "$scratch/passfile" 3) || continue
    read -r _ timeline _ <<<"$answer"
    if ((timeline > CONTROL_TIMELINE)); then
      fail TwoPrimaries "$node is on timeline $timeline, $NODE on $CONTROL_TIMELINE: $node was promoted." \
        "$NODE stays fenced. Start the rejoin runbook for it."
    fi
  done
}
