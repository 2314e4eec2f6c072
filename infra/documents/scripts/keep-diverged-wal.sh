. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/replication.sh
. lib/secrets.sh
. lib/control-data.sh
. lib/timelines.sh
. lib/wal-files.sh
. lib/disk.sh
. lib/fence.sh
. lib/stop-standby.sh

# Copies the WAL that only this node has beside the data, with a summary of what is in it: a rewind or a rebuild takes
# it away.
main() {
  local segment_bytes directory names bytes=0 file
  local -a files=() summary=()
  changed=false
  require_secret "$REPLICATION_SECRET"
  guard
  stop_standby
  read_control_data "$DATA"
  read_primary_timelines
  require_own_cluster
  segment_bytes=$(segment_size)
  find_fork
  # What follows destroys what is not on this list.
  names=$(diverged_files) || fail WalNotKept \
    "Not all WAL in $DATA/pg_wal on $NODE could be read: $(last_bytes 1000 "$scratch/output")" \
    "Nothing was changed. Repair what the message says and start rejoin again. If that cannot be, move $DATA away, keep it, and start rejoin: it builds $NODE anew."
  if [[ -z $names ]]; then
    succeed "$(json_object changed "$changed" directory null bytes 0 summary '[]')"
  fi
  mapfile -t files <<<"$names"
  for file in "${files[@]}"; do bytes=$((bytes + $(stat -c %s -- "$DATA/pg_wal/$file"))); done
  if ((bytes * 2 > $(free_bytes))); then
    fail WalNotKept "The WAL that only $NODE has is $bytes bytes; $(free_bytes) bytes are free beside it." \
      "Nothing was changed. Free space on $NODE and start rejoin again. It keeps this WAL before it changes the data."
  fi
  directory=$STATE/kept/$(TZ=UTC printf '%(%Y%m%dT%H%M%SZ)T' -1)-operation-$EPOCH
  if ! as_postgres_function copy_aside "$STATE/kept" "$directory" "$DATA/pg_wal" "${files[@]}"; then
    fail WalNotKept "The WAL that only $NODE has could not be copied to $directory: $(last_bytes 1000 "$scratch/output")" \
      'Nothing was changed. Repair what the message says and start rejoin again.'
  fi
  mapfile -t summary < <(summarize "$directory")
  write_file "$directory/summary.txt" "$(printf '%s\n' ${summary[@]+"${summary[@]}"})"
  succeed "$(json_object changed true directory "$(json_string "$directory")" bytes "$bytes" \
    summary "$(json_strings ${summary[@]+"${summary[@]}"})")"
}

# The last place that this node and the primary have in common: sets FORK_TIMELINE and FORK_LSN.
find_fork() {
  local file line timeline own
  FORK_TIMELINE='' FORK_LSN=''
  if is_same_history "$CONTROL_TIMELINE" && [[ -n ${TIMELINE_LEFT_AT[$CONTROL_TIMELINE]-} ]]; then
    FORK_TIMELINE=$CONTROL_TIMELINE FORK_LSN=${TIMELINE_LEFT_AT[$CONTROL_TIMELINE]}
    return 0
  fi
  # The node went on to timelines that the primary does not know: its own history says where it left the last common one.
  printf -v file '%s/pg_wal/%08X.history' "$DATA" "$CONTROL_TIMELINE"
  if [[ -r $file ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      if [[ $line =~ ^([0-9]+)[[:space:]]+([0-9A-F]+/[0-9A-F]+) ]]; then
        timeline=${BASH_REMATCH[1]} own=${BASH_REMATCH[2]}
        if ((timeline != PRIMARY_TIMELINE)) && [[ -z ${TIMELINE_LEFT_AT[$timeline]-} ]]; then break; fi
        FORK_TIMELINE=$timeline FORK_LSN=$own
        if [[ -n ${TIMELINE_LEFT_AT[$timeline]-} ]] &&
          (($(lsn_number "${TIMELINE_LEFT_AT[$timeline]}") < $(lsn_number "$own"))); then
          FORK_LSN=${TIMELINE_LEFT_AT[$timeline]}
        fi
        if [[ ${TIMELINE_LEFT_AT[$timeline]-} != "$own" ]]; then break; fi
      fi
    done <"$file"
  fi
  if [[ -z $FORK_TIMELINE ]]; then
    # Nothing in common is known: all of it is kept.
    FORK_TIMELINE=1 FORK_LSN=0/0
    if ((CONTROL_TIMELINE == PRIMARY_TIMELINE)); then FORK_TIMELINE=$CONTROL_TIMELINE FORK_LSN=$PRIMARY_LSN; fi
  fi
}

# Bytes of a segment, from the header of one.
segment_size() (
  shopt -s nullglob
  local file size
  for file in "$DATA"/pg_wal/????????????????????????; do
    size=$(od -An -tu4 -j32 -N4 -- "$file")
    if ((size >= 1048576)); then
      printf '%s' $((size))
      return 0
    fi
  done
  printf '%s' 16777216
)

# Names of the segments from the fork on, without those that are only renamed for reuse, and of the histories. Status 1
# if one cannot be read: its caller asks for the status, so that nothing here ends by itself.
diverged_files() (
  shopt -s nullglob
  local file name size page fork found=false
  fork=$(lsn_number "$FORK_LSN")
  cd "$DATA/pg_wal" || exit 1
  for file in *; do
    name=${file##*/}
    if [[ $name =~ ^[0-9A-F]{24}(\.partial)?$ ]] && ((16#${name:0:8} >= FORK_TIMELINE)); then
      size=$(stat -c %s -- "$file") || exit 1
      # One that a crash has left without any content.
      if ((size < 16)); then continue; fi
      page=$(od -An -tu8 -j8 -N8 -- "$file") || exit 1
      if ((page == $(segment_start "${name:8:16}" "$segment_bytes") && page + segment_bytes > fork)); then
        found=true
        echo "$name"
      fi
    fi
  done
  if [[ $found == true ]]; then
    for file in *.history; do echo "$file"; done
  fi
)

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
