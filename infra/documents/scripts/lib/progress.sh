# Progress of a base backup: in a file that report-status reads, and now and then in the command's output.

readonly PROGRESS=$STATE/base-backup.progress

# note_progress LINE: keeps a line such as "12345/67890 kB (18%), 0/1 tablespace"; status 1 if it is another one.
note_progress() {
  local done_bytes total_bytes percent
  if [[ $1 == 'waiting for checkpoint' ]]; then return 0; fi
  [[ $1 =~ ^[[:space:]]*([0-9]+)/([0-9]+)\ kB\ \(([0-9]+)%\) ]] || return 1
  done_bytes=$((BASH_REMATCH[1] * 1024)) total_bytes=$((BASH_REMATCH[2] * 1024)) percent=${BASH_REMATCH[3]}
  local text="base backup of $NODE: $done_bytes of $total_bytes bytes ($percent%)"
  write_file "$PROGRESS" "$text"
  # SSM keeps only the first characters of the output.
  if ((percent >= ${next_percent:-0})); then
    progress "$text"
    next_percent=$((percent - percent % 10 + 10))
  fi
}

forget_progress() {
  if [[ -e $PROGRESS ]]; then as_postgres rm -f -- "$PROGRESS"; fi
}
