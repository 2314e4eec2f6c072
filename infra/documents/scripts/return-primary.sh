. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/histories.sh
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
  succeed "$(json_object bool changed "$changed" bool started "$started")"
}

# A node on a later timeline has been promoted, as has one on a timeline of the same number that began elsewhere: two
# primaries would be worse than none.
require_no_successor() {
  local node answer own timeline
  take timeline own "$(own_timeline)" "The timeline of $NODE"
  write_scratch_file passfile "$(pgpass_lines "$SECRET_USER" "$SECRET_PASSWORD")"
  for node in "${NODES[@]}"; do
    if [[ $node == "$NODE" ]]; then continue; fi
    answer=$(identify_system "$node" "$SECRET_USER" "$scratch/passfile" 3) || continue
    answer=${answer#* }
    take timeline timeline "${answer%% *}" "The timeline of $node"
    if ((timeline > own)) || { ((timeline == own)) && began_elsewhere "$node" "$own"; }; then
      fail TwoPrimaries "$node is on timeline $timeline, $NODE on $own: $node was promoted." \
        "$NODE stays fenced. Start the rejoin runbook for it."
    fi
  done
}

# The control file names the timeline before until the first checkpoint after a promotion, which takes minutes. The
# history of its own timeline a node has before anything else of it.
own_timeline() {
  local file number timeline=$CONTROL_TIMELINE
  for file in "$DATA"/pg_wal/????????.history; do
    if timeline_of number "$file" && ((number > timeline)); then timeline=$number; fi
  done
  printf '%s' "$timeline"
}

# began_elsewhere NODE TIMELINE: whether another node's timeline of that number is not this node's.
began_elsewhere() {
  local own answer ours theirs
  own=$(own_history "$2")
  if [[ -z $own ]]; then return 1; fi
  answer=$(replication_command "TIMELINE_HISTORY $2" "$1" "$SECRET_USER" "$scratch/passfile" 3) || return 1
  ours=$(switches <<<"$own") || exit
  theirs=$(switches <<<"$answer") || exit
  [[ $theirs != "$ours" ]]
}

# Where one timeline became the next, from the text of a history.
switches() {
  local line
  while IFS= read -r line; do
    if read_switch "$line"; then printf '%s %s\n' "$SWITCH_TIMELINE" "$SWITCH_LSN"; fi
  done
}
