# Files of WAL: what this node has, and what the primary still has.

# SQL for the primary: its oldest segment (the name without the timeline) and the size of segments.
oldest_segment_query() {
  cat <<'SQL'
SELECT (SELECT min(substr(name, 9)) FROM pg_ls_dir('pg_wal', false, false) name WHERE name ~ '^[0-9A-F]{24}$'),
  (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
SQL
}

# segment_start VARIABLE NAME BYTES: where the segment of that name (without its timeline) begins, in bytes of WAL.
segment_start() {
  local digits each
  take segment digits "$2" 'The name of a WAL segment'
  take size each "$3" 'The size of WAL segments'
  printf -v "$1" %s $(((16#${digits:0:8} << 32) + 16#${digits:8:8} * each))
}

# list_segments DIRECTORY PATTERN: a line for each segment, as the PostgreSQL user runs it: its name, its size, and the
# first 40 bytes of it as five numbers. They are the header of its first page: its position, the system identifier and
# the size of segments are the second, the fourth, and the lower half of the fifth. Status 1 if one cannot be read.
list_segments() {
  local file size header
  shopt -s nullglob
  cd -- "$1"
  # shellcheck disable=SC2206 # a pattern
  local -a files=($2)
  for file in ${files[@]+"${files[@]}"}; do
    if [[ ! -f $file ]]; then continue; fi
    size=$(stat -L -c %s -- "$file")
    header=$(timeout -k 1 5 od -An -v -w40 -tu8 -N40 -- "$file")
    printf '%s %s %s\n' "$file" "$size" "$header"
  done
}

# read_segment LINE: of list_segments; sets SEGMENT_NAME, SEGMENT_FILE_BYTES (as many as the file has), SEGMENT_BEGIN,
# SEGMENT_IDENTIFIER and SEGMENT_SIZE (0 where it is no possible one). Status 1 if it is no segment, or has no header.
read_segment() {
  local name bytes begin identifier sizes both
  read -r name bytes _ begin _ identifier sizes <<<"$1"
  if [[ ! $name =~ ^[0-9A-F]{24}(\.partial)?$ ]]; then return 1; fi
  # What is no header may hold any numbers.
  if ! fits number "$begin" || ! fits identifier "$identifier" || ! fits number "$sizes"; then return 1; fi
  SEGMENT_NAME=$name SEGMENT_IDENTIFIER=$identifier
  take number SEGMENT_FILE_BYTES "$bytes" "The size of $name"
  take number SEGMENT_BEGIN "$begin" "The position in $name"
  take number both "$sizes" "The sizes of segments and pages in $name"
  SEGMENT_SIZE=$((both & 0xffffffff))
  if ! fits size "$SEGMENT_SIZE"; then SEGMENT_SIZE=0; fi
}

# has_segment_at NAME BYTES: whether the node has that segment itself, or the one before, of any timeline. A file of the
# right name alone proves nothing, since files are renamed ahead for reuse: the first page tells which part of the WAL
# is really in it.
has_segment_at() {
  local start begin each name line
  take size each "$2" 'The size of WAL segments'
  segment_start start "$1" "$each"
  for begin in "$start" $((start - each)); do
    if ((begin < 0)); then return 1; fi
    printf -v name '%08X%08X' $((begin / each / (0x100000000 / each))) $((begin / each % (0x100000000 / each)))
    while read -r line; do
      if read_segment "$line" && ((SEGMENT_BEGIN == begin)); then return 0; fi
    done < <(as_postgres_function list_segments "$DATA/pg_wal" "????????$name" || true)
  done
  return 1
}

# The system identifier that the data's own WAL carries, in the first page of each segment: it tells whose data this is
# when the control file cannot. Nothing if there is none.
wal_system_identifier() {
  local line
  while read -r line; do
    # A segment that was never written holds zeros.
    if read_segment "$line" && [[ $SEGMENT_IDENTIFIER != 0 ]]; then
      printf '%s' "$SEGMENT_IDENTIFIER"
      return 0
    fi
  done < <(as_postgres_function list_segments "$DATA/pg_wal" '[0-9A-F]*' || true)
}
