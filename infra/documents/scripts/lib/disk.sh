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

free_bytes() {
  local directory=$DATA blocks size
  if [[ ! -d $directory ]]; then directory=$(existing_parent); fi
  read -r blocks size <<<"$(stat -f -c '%a %S' -- "$directory")"
  printf '%s' $((blocks * size))
}
