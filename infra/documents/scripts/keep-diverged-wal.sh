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
. lib/timelines.sh
. lib/wal-files.sh
. lib/disk.sh
. lib/fence.sh
. lib/stop-standby.sh

# Copies the WAL that only this node has beside the data, with a summary of what is in it: a rewind or a rebuild takes
# it away.
main() {
  local segment_bytes directory names bytes=0 name counted size free
  local -a files=() summary=()
  changed=false
  require_secret "$REPLICATION_SECRET"
  guard
  stop_standby
  read_control_data "$DATA"
  read_primary_timelines
  require_own_cluster
  take size segment_bytes "$(segment_size)" "The size of the WAL segments of $NODE"
  find_fork
  # What follows destroys what is not on this list.
  names=$(diverged_files) || fail WalNotKept \
    "Not all WAL in $DATA/pg_wal on $NODE could be read: $(last_bytes 1000 "$scratch/output")" \
    "Nothing was changed. Repair what the message says and start rejoin again. If that cannot be, move $DATA away, keep it, and start rejoin: it builds $NODE anew."
  if [[ -z $names ]]; then
    succeed "$(json_object bool changed "$changed" optional directory '' number bytes 0 json summary '[]')"
  fi
  while read -r counted name; do
    take number size "$counted" "The size of $name"
    bytes=$((bytes + size))
    files+=("$name")
  done <<<"$names"
  take number free "$(free_bytes)" "The free space beside $DATA"
  if ((bytes * 2 > free)); then
    fail WalNotKept "The WAL that only $NODE has is $bytes bytes; $free bytes are free beside it." \
      "Nothing was changed. Free space on $NODE and start rejoin again. It keeps this WAL before it changes the data."
  fi
  directory=$STATE/kept/$(TZ=UTC printf '%(%Y%m%dT%H%M%SZ)T' -1)-operation-$EPOCH
  if ! as_postgres_function copy_aside "$STATE/kept" "$directory" "$DATA/pg_wal" ${files[@]+"${files[@]}"}; then
    fail WalNotKept "The WAL that only $NODE has could not be copied to $directory: $(last_bytes 1000 "$scratch/output")" \
      'Nothing was changed. Repair what the message says and start rejoin again.'
  fi
  mapfile -t summary < <(summarize "$directory")
  write_file "$directory/summary.txt" "$(printf '%s\n' ${summary[@]+"${summary[@]}"})"
  succeed "$(json_object bool changed true text directory "$directory" number bytes "$bytes" \
    json summary "$(json_strings ${summary[@]+"${summary[@]}"})")"
}

# The last place that this node and the primary have in common: sets FORK_TIMELINE and FORK_LSN.
find_fork() {
  local line history left
  FORK_TIMELINE='' FORK_LSN=''
  if is_same_history "$CONTROL_TIMELINE" && [[ -n ${TIMELINE_LEFT_AT[$CONTROL_TIMELINE]-} ]]; then
    FORK_TIMELINE=$CONTROL_TIMELINE FORK_LSN=${TIMELINE_LEFT_AT[$CONTROL_TIMELINE]}
    return 0
  fi
  # The node went on to timelines that the primary does not know: its own history says where it left the last common one.
  history=$(own_history "$CONTROL_TIMELINE")
  while IFS= read -r line; do
    if ! read_switch "$line"; then continue; fi
    left=${TIMELINE_LEFT_AT[$SWITCH_TIMELINE]-}
    if ((SWITCH_TIMELINE != PRIMARY_TIMELINE)) && [[ -z $left ]]; then break; fi
    FORK_TIMELINE=$SWITCH_TIMELINE FORK_LSN=$SWITCH_LSN
    if [[ -n $left ]] && precedes "$left" "$SWITCH_LSN"; then FORK_LSN=$left; fi
    if [[ $left != "$SWITCH_LSN" ]]; then break; fi
  done <<<"$history"
  if [[ -z $FORK_TIMELINE ]]; then
    # Nothing in common is known: all of it is kept.
    FORK_TIMELINE=1 FORK_LSN=0/0
    if ((CONTROL_TIMELINE == PRIMARY_TIMELINE)); then FORK_TIMELINE=$CONTROL_TIMELINE FORK_LSN=$PRIMARY_LSN; fi
  fi
}

# Bytes of a segment, from the header of one.
segment_size() {
  local line
  while read -r line; do
    if read_segment "$line" && [[ $SEGMENT_SIZE != 0 ]]; then
      printf '%s' "$SEGMENT_SIZE"
      return 0
    fi
  done < <(as_postgres_function list_segments "$DATA/pg_wal" '[0-9A-F]*' || true)
  printf '%s' 16777216
}

# Sizes and names of the segments from the fork on, without those that are only renamed for reuse, and of the histories.
# Status 1 if one cannot be read: its caller asks for the status, so that nothing here ends by itself.
diverged_files() {
  local listed line name size timeline begin fork found=false
  lsn_number fork "$FORK_LSN"
  listed=$(as_postgres_function list_segments "$DATA/pg_wal" '*') || exit 1
  while IFS= read -r line; do
    if ! read_segment "$line"; then continue; fi
    take hex timeline "${SEGMENT_NAME:0:8}" "The timeline of $SEGMENT_NAME"
    if ! fits segment "${SEGMENT_NAME:8:16}"; then continue; fi
    segment_start begin "$ACCEPTED" "$segment_bytes"
    if ((16#$timeline >= FORK_TIMELINE && SEGMENT_BEGIN == begin && begin + segment_bytes > fork)); then
      found=true
      echo "$SEGMENT_FILE_BYTES $SEGMENT_NAME"
    fi
  done <<<"$listed"
  if [[ $found == false ]]; then return 0; fi
  while read -r name size _; do
    if [[ $name =~ ^[0-9A-F]{8}\.history$ ]]; then echo "$size $name"; fi
  done <<<"$listed"
}

copy_aside() {
  local parent=$1 directory=$2 from=$3
  shift 3
  mkdir -p -- "$parent"
  rm -rf -- "$directory.new"
  mkdir -- "$directory.new"
  cd "$from"
  cp -p -- "$@" "$directory.new"
  sync
  mv -T -- "$directory.new" "$directory"
}

# Lines for people: how much there is, since when, and where it changed something.
summarize() {
  printf '%s went its own way from %s on timeline %s, where %s goes on.\n' "$NODE" "$FORK_LSN" "$FORK_TIMELINE" "$PRIMARY"
  if [[ $("$BIN_DIRECTORY/pg_waldump" --version 2>/dev/null) != *" $MAJOR_VERSION."* ]]; then
    printf 'There is no pg_waldump of version %s that could tell what is in it.\n' "$MAJOR_VERSION"
    return 0
  fi
  # It ends with an error where the WAL does; what it has said before counts.
  as_postgres timeout 60 "$BIN_DIRECTORY/pg_waldump" -p "$1" -t "$CONTROL_TIMELINE" -s "$FORK_LSN" 2>/dev/null |
    awk '
      / desc: COMMIT/ {
        commits++
        if (match($0, /COMMIT(_PREPARED)? [0-9][^;]*/)) {
          last = substr($0, RSTART, RLENGTH); sub(/^COMMIT(_PREPARED)? /, "", last)
          if (first == "") first = last
        }
      }
      match($0, /rel [0-9]+\/[0-9]+\/[0-9]+/) { files[substr($0, RSTART + 4, RLENGTH - 4)]++ }
      { records++ }
      END {
        if (records == 0) { print "pg_waldump could not read it."; exit }
        printf "It has %d records there, of %d committed transaction%s", records, commits, commits == 1 ? "" : "s"
        if (commits > 0) printf ", from %s to %s", first, last
        printf ".\n"
        for (name in files) printf "%d records change relation file %s (tablespace/database/file).\n", files[name], name | "sort -rn | head -n 5"
      }' || true
  printf 'To read it: %s/pg_waldump -p %s -t %s -s %s\n' "$BIN_DIRECTORY" "$1" "$CONTROL_TIMELINE" "$FORK_LSN"
}
