# The mark of data that a command is changing, or was when it failed or was killed: nothing starts it, and a rewind
# does not touch it again.

readonly DAMAGED=$STATE/damaged

mark_damaged() {
  write_file "$DAMAGED" "$1"
}

unmark_damaged() {
  if [[ -e $DAMAGED ]]; then as_postgres rm -f -- "$DAMAGED"; fi
}

refuse_damaged() {
  if [[ ! -s $DAMAGED ]]; then return 0; fi
  fail DataDamaged "$DATA on $NODE is damaged: $(file_end "$DAMAGED" 1000)." \
    "Start the rejoin runbook for $NODE: it rebuilds it."
}
