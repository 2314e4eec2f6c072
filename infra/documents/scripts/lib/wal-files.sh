# Files of WAL: what this node has, and what the primary still has.

# SQL for the primary: its oldest segment (the name without the timeline) and the size of segments.
oldest_segment_query() {
  cat <<'SQL'
SELECT (SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal', false, false) name WHERE name ~ '^[0-9A-F]{24}$'),
  (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
SQL
}

# segment_start NAME BYTES: where the segment of that name (without its timeline) begins, in bytes of WAL.
segment_start() {
  printf '%s' $(((16#${1:0:8} << 32) + 16#${1:8:8} * $2))
}

# has_segment_at NAME BYTES: whether the node has that segment itself, or the one before, of any timeline. A file of the
# right name alone proves nothing, since files are renamed ahead for reuse: the first page tells which part of the WAL
# is really in it.
has_segment_at() (
  shopt -s nullglob
  local per_id=$((0x100000000 / $2)) start name file page
  start=$(segment_start "$1" "$2")
  for start in "$start" $((start - $2)); do
    printf -v name '%08X%08X' $((start / $2 / per_id)) $((start / $2 % per_id))
    for file in "$DATA/pg_wal/"????????"$name"; do
      page=$(od -An -tu8 -j8 -N8 -- "$file")
      if [[ ${page//[[:space:]]/} == "$start" ]]; then return 0; fi
    done
  done
  return 1
)

# The system identifier that the data's own WAL carries, in the first page of each segment: it tells whose data this is
# when the control file cannot. Nothing if there is none.
wal_system_identifier() (
  shopt -s nullglob
  local file identifier
  for file in "$DATA"/pg_wal/[0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F][0-9A-F]*; do
    if [[ ${file##*/} =~ ^[0-9A-F]{24}$ ]]; then
      identifier=$(od -An -tu8 -j24 -N8 -- "$file")
      identifier=${identifier//[[:space:]]/}
      # A segment that was never written holds zeros.
      if [[ ${identifier:-0} != 0 ]]; then
        printf '%s' "$identifier"
        break
      fi
    fi
  done
)
