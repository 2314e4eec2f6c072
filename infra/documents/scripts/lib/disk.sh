# The disk that holds, or will hold, the data directory.

# Tablespaces and a pg_wal elsewhere count too. Files come and go while du counts: what it could not see is no error.
directory_bytes() {
  local bytes
  take number bytes "$(counted_bytes -bL "$DATA")" "The size of $DATA"
  printf '%s' "$bytes"
}

# counted_bytes OPTIONS PATH: as du counts them, as far as the PostgreSQL user can see.
counted_bytes() {
  local counted
  counted=$(as_postgres du -s "$1" -- "$2" || true)
  counted=${counted%%[!0-9]*}
  printf '%s' "${counted:-0}"
}

# The first directory at or above the data directory's parent that exists.
existing_parent() {
  local parent=${DATA%/*}
  while [[ -n $parent && ! -d $parent ]]; do parent=${parent%/*}; done
  printf '%s' "${parent:-/}"
}

# Where copies are made: beside the data directory, which may itself be on another disk.
free_bytes() {
  local blocks size
  take_row "The free space beside $DATA" "$(stat -f -c '%a|%S' -- "$(existing_parent)")" number blocks number size
  printf '%s' $((blocks * size))
}

# Bytes that are free there as soon as the next copy begins: what is left of one that was not finished goes first.
free_bytes_for_copy() {
  local directory counted bytes
  take number bytes "$(free_bytes)" "The free space beside $DATA"
  for directory in "$INCOMING" "$INCOMING.discarded"; do
    if [[ -e $directory/made-by-a-runbook || ($directory == *.discarded && -d $directory) ]]; then
      take number counted "$(counted_bytes -B1 "$directory")" "The size of $directory"
      bytes=$((bytes + counted))
    fi
  done
  printf '%s' "$bytes"
}
