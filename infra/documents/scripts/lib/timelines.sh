# Timelines: whether this node has WAL that the primary lacks. Then it cannot follow as it is.

# Here and not in the function: in bash 4.2 the value of a declare -g there makes an empty local.
declare -A TIMELINE_LEFT_AT=()

# read_primary_timelines: asks the primary; sets PRIMARY_IDENTIFIER, PRIMARY_TIMELINE, PRIMARY_LSN and, for each earlier
# timeline of its history, where it left that one: TIMELINE_LEFT_AT.
read_primary_timelines() {
  local answer line identifier timeline position
  TIMELINE_LEFT_AT=()
  answer=$(ask_primary IDENTIFY_SYSTEM)
  read -r identifier timeline position _ <<<"$answer"
  take identifier PRIMARY_IDENTIFIER "$identifier" "The system identifier of $PRIMARY"
  take timeline PRIMARY_TIMELINE "$timeline" "The timeline of $PRIMARY"
  take lsn PRIMARY_LSN "$position" "The position of $PRIMARY"
  # The first one has no history.
  if ((PRIMARY_TIMELINE == 1)); then return 0; fi
  answer=$(ask_primary "TIMELINE_HISTORY $PRIMARY_TIMELINE")
  while IFS= read -r line; do
    if read_switch "$line"; then TIMELINE_LEFT_AT[$SWITCH_TIMELINE]=$SWITCH_LSN; fi
  done <<<"$answer"
}

# require_own_cluster: ends the command if this node's data is of another cluster than the primary's.
require_own_cluster() {
  local identifier
  identifier=$(system_identifier "$DATA")
  if [[ $identifier == "$PRIMARY_IDENTIFIER" ]]; then return 0; fi
  fail ForeignData "$DATA on $NODE belongs to another cluster: its system identifier is $identifier, that of $PRIMARY is $PRIMARY_IDENTIFIER." \
    "Nothing was changed. Find out whose data it is. If nobody needs it, move it away and rebuild $NODE as a standby."
}

# why_diverged TIMELINE LSN [WHAT]: prints why a node with WAL up to that position cannot follow the primary; nothing if
# it can. WHAT is `record` where the position is the beginning of the last record, not the end of the WAL.
why_diverged() {
  local timeline position shared bytes left
  take timeline timeline "$1" "The timeline of $NODE"
  lsn_number position "$2"
  if [[ ${3-} == record ]]; then position=$((position + 1)); fi
  if ! is_same_history "$timeline"; then
    printf '%s is on another timeline %s than %s: it began elsewhere' "$NODE" "$timeline" "$PRIMARY"
    return 0
  fi
  if ((timeline == PRIMARY_TIMELINE)); then
    shared=$PRIMARY_LSN
    left="$PRIMARY is on the same timeline at $shared"
  else
    shared=${TIMELINE_LEFT_AT[$timeline]-}
    if [[ -z $shared ]]; then
      printf '%s has WAL of timeline %s, from which timeline %s of %s does not come' \
        "$NODE" "$timeline" "$PRIMARY_TIMELINE" "$PRIMARY"
      return 0
    fi
    left="$PRIMARY left that timeline at $shared for timeline $PRIMARY_TIMELINE"
  fi
  lsn_number bytes "$shared"
  if ((position > bytes)); then
    printf '%s has WAL up to %s on timeline %s, and %s' "$NODE" "$2" "$timeline" "$left"
  fi
}

# Two standbys that were promoted apart both count on: the same number may stand for different timelines.
is_same_history() {
  local line history
  history=$(own_history "$1") || exit
  while IFS= read -r line; do
    if read_switch "$line" && [[ ${TIMELINE_LEFT_AT[$SWITCH_TIMELINE]-} != "$SWITCH_LSN" ]]; then return 1; fi
  done <<<"$history"
}

# The same of this stopped node, by its control data. Where its WAL ends is known after a clean stop: a primary's last
# record is the checkpoint of its shutdown, a standby has noted how far it replayed. (What a standby received beyond
# that shows when it streams.)
why_diverged_while_stopped() {
  local why=''
  case $CONTROL_STATE in
    'shut down') why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record) || exit ;;
    'shut down in recovery' | 'in archive recovery')
      why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record) || exit
      if [[ -z $why && $RECOVERY_END != 0/0 ]]; then
        why=$(why_diverged "$RECOVERY_END_TIMELINE" "$RECOVERY_END") || exit
      fi
      ;;
    *)
      if [[ -e $DATA/backup_label && -e $DATA/standby.signal ]]; then
        # A copy that was never started.
        why=$(why_diverged "$CONTROL_TIMELINE" "$CONTROL_CHECKPOINT" record) || exit
      else
        why="PostgreSQL on $NODE was not shut down cleanly (its state is: $CONTROL_STATE), so the end of its WAL is not known"
      fi
      ;;
  esac
  printf '%s' "$why"
}
