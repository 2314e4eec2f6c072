# The disk that holds, or will hold, the data directory.

# Tablespaces and a pg_wal elsewhere count too. Files come and go while du counts: what it could not see is no error.
directory_bytes() {
  local counted
  counted=$(du -sbL -- "$DATA" || true)
  printf '%s' "${counted%%[!0-9]*}"
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
  read -r blocks size <<<"$(stat -f -c '%a %S' -- "$(existing_parent)")"
  printf '%s' $((blocks * size))
}

# Bytes that are free there as soon as the next copy begins: what is left of one that was not finished goes first.
free_bytes_for_copy() {
  local directory counted bytes
  bytes=$(free_bytes)
  for directory in "$INCOMING" "$INCOMING.discarded"; do
    if [[ -e $directory/made-by-a-runbook || ($directory == *.discarded && -d $directory) ]]; then
      counted=$(du -s -B1 -- "$directory" || true)
      counted=${counted%%[!0-9]*}
      bytes=$((bytes + ${counted:-0}))
    fi
  done
  printf '%s' "$bytes"
}
