# Who may change this host, and when: late commands, commands of an older operation, and two at a time are refused.

# What decides that is in a directory that only the user of these scripts can write, which on a host is root: the PostgreSQL
# user could otherwise lock the host, or let old commands in. It belongs to the host and not to the data, for commands are
# sent to hosts. Where hosts share a machine (the local runtime), the environment has one for each.
readonly MEMORY=${RUNBOOK_MEMORY:-/var/lib/pg-sync-runbooks}/$CLUSTER.$NODE

# How many seconds an operation's number, which is a time, may be ahead of this host's clock
# (mostAheadSeconds of lambdas/contract/node-commands.ts).
readonly MOST_AHEAD=3600

# The guard of every command that changes something. Ends the command if it must not run.
guard() {
  local now
  printf -v now '%(%s)T' -1
  take number NOT_AFTER "$NOT_AFTER" 'NotAfter'
  take number EPOCH "$EPOCH" 'Epoch'
  if ((now > NOT_AFTER)); then
    fail CommandLate "The command reached $NODE at $(utc_time), after $(utc_time "$NOT_AFTER"), the end of its time." \
      'Nothing was changed. Start the runbook again.'
  fi
  claim_epoch
  lock_host
  sweep_scratch_directories
}

# Refuses a command of an older operation; from here on the host refuses what is older than this one. What cannot be
# the number of an operation is not remembered: the host would refuse everything after it.
claim_epoch() {
  local seen words
  if is_far_ahead "$EPOCH"; then
    fail EpochImplausible "The command belongs to operation $EPOCH, a time ($(utc_time "$EPOCH")) that is far ahead of the clock of $NODE ($(utc_time))." \
      "Nothing was changed. If the clock of $NODE is wrong, set it right (chronyc tracking); then start the runbook again."
  fi
  make_memory
  if [[ ! -d $STATE ]] && ! words=$(as_postgres mkdir -p -- "$STATE" 2>&1); then
    fail CommandFailed "$STATE could not be made as $OS_USER: $words" "Let $OS_USER write in $(dirname -- "$DATA")."
  fi
  adopt_former_epoch
  seen=$(raise_epoch) || fail CommandFailed "$MEMORY could not be written: $(last_bytes 1000 "$scratch/output")" \
    'Nothing was changed. Make room there, and start the runbook again.'
  compare_epoch "$seen"
}

# Makes the directory, or sees that nobody else has made it or can write there.
make_memory() {
  local directory owner_and_mode
  for directory in "${MEMORY%/*}" "$MEMORY"; do
    # Two commands may come at once.
    if [[ ! -e $directory && ! -L $directory ]]; then mkdir -m 0700 -- "$directory" || true; fi
    owner_and_mode=$(stat -c '%F %u %a' -- "$directory" || true)
    if [[ ! $owner_and_mode =~ ^directory\ $EUID\ [0-7]?700$ ]]; then
      fail MemoryUnsafe "$directory on $NODE is no directory of user $EUID and mode 700: $(harmless "$owner_and_mode")." \
        'Nothing was changed. See who made it, remove it, and start the runbook again.'
    fi
  done
}

# Whether a number of an operation is a time that this host's clock says is far from being reached.
is_far_ahead() {
  local epoch now
  take number epoch "$1" 'The number of an operation'
  printf -v now '%(%s)T' -1
  ((epoch > now + MOST_AHEAD))
}

# Raises the epoch of this host if that is older, and prints what it was. The directory itself serves as the lock of its
# epoch.
raise_epoch() {
  local seen=0 known
  exec 8<"$MEMORY"
  flock 8
  if [[ -s $MEMORY/epoch ]]; then read -r seen <"$MEMORY/epoch" || :; fi
  printf '%s' "${seen:0:40}"
  if ! is_epoch "$seen"; then return 0; fi
  take number known "$seen" "$MEMORY/epoch"
  # Its caller asks for the status, so that nothing here ends by itself.
  if ((known <= EPOCH)); then
    echo "$EPOCH" >"$MEMORY/epoch.new" && mv -fT -- "$MEMORY/epoch.new" "$MEMORY/epoch" && : >>"$MEMORY/lock"
  fi
}

# Whether a text can be the number of an operation.
is_epoch() {
  [[ ${#1} -le 12 ]] && fits number "$1"
}

# Earlier versions had epoch and lock beside the data, where the PostgreSQL user can write them. Until this host has an epoch
# of its own, theirs counts if it can be one by the clock. A command of an earlier version that still runs learns from
# there that its time is over, and is waited for.
adopt_former_epoch() {
  local former epoch
  if [[ -e $MEMORY/epoch ]]; then return 0; fi
  former=$(file_text "$STATE/epoch" 40)
  if ! is_epoch "$former" || is_far_ahead "$former"; then return 0; fi
  take number epoch "$former" 'The number of an operation'
  if ((epoch > EPOCH)); then superseded "$epoch"; fi
  write_note "$STATE/epoch" "$EPOCH"
  if [[ -f $STATE/lock ]] && ! as_postgres timeout -k 1 35 flock -w 30 "$STATE/lock" true; then
    fail HostBusy "On $NODE a command of an earlier version still runs." 'Wait until it ends, and start the runbook again.'
  fi
}

# compare_epoch SEEN: ends the command if the host has seen a newer operation, or if what it has seen cannot be one.
compare_epoch() {
  local seen
  if ! is_epoch "$1"; then
    fail EpochImplausible "$MEMORY/epoch holds no number of an operation: $(harmless "$1")" \
      "Nothing more was changed. If no other runbook runs, remove $MEMORY/epoch on $NODE and start this one again."
  fi
  take number seen "$1" "$MEMORY/epoch"
  if ((seen <= EPOCH)); then return 0; fi
  if is_far_ahead "$seen"; then
    fail EpochImplausible "$MEMORY/epoch holds $seen, a time ($(utc_time "$seen")) that is far ahead of the clock of $NODE ($(utc_time))." \
      "Nothing more was changed. If the clock of $NODE is right, remove $MEMORY/epoch there and start the runbook again."
  fi
  superseded "$seen"
}

superseded() {
  fail CommandSuperseded "$NODE has a command of operation $1, which is newer than operation $EPOCH of this command." \
    'Nothing more was changed. The newer runbook goes on; look at its execution.'
}

# Ends the command if a newer operation has come to this host.
check_epoch() {
  local seen=''
  read -r seen <"$MEMORY/epoch" || :
  compare_epoch "${seen:0:40}"
}

# One command at a time: held on descriptor 9 until this process ends, however it ends.
lock_host() {
  exec 9<"$MEMORY/lock"
  if ! flock -w 30 9; then
    fail HostBusy "On $NODE another command still runs: $(lock_holder)." \
      'Wait until it ends, or cancel it, and start the runbook again.'
  fi
  check_epoch
  printf '%s\n' "$COMMAND of operation $EPOCH, since $(utc_time), process $$" >"$MEMORY/holder.new"
  mv -fT -- "$MEMORY/holder.new" "$MEMORY/holder"
}

lock_holder() {
  local holder=''
  if [[ -s $MEMORY/holder ]]; then read -r holder <"$MEMORY/holder" || :; fi
  printf '%s' "${holder:-unknown}"
}

# What holds the lock, or nothing; creates and changes nothing.
busy_with() {
  if [[ -r $MEMORY/lock ]] && ! flock -n -s "$MEMORY/lock" true; then lock_holder; fi
}
