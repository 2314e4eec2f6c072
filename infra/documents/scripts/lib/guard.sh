# Who may change this host, and when: late commands, commands of an older operation, and two at a time are refused.

readonly LOCK=$STATE/lock

# How many seconds an operation's number, which is a time, may be ahead of this host's clock
# (mostAheadSeconds of lambdas/contract/node-commands.ts).
readonly MOST_AHEAD=3600

# The guard of every command that changes something. Ends the command if it must not run.
guard() {
  if (($(printf '%(%s)T' -1) > NOT_AFTER)); then
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
  local seen
  if is_far_ahead "$EPOCH"; then
    fail EpochImplausible "The command belongs to operation $EPOCH, a time ($(utc_time "$EPOCH")) that is far ahead of the clock of $NODE ($(utc_time))." \
      "Nothing was changed. If the clock of $NODE is wrong, set it right (chronyc tracking); then start the runbook again."
  fi
  if ! seen=$(as_postgres_function raise_epoch "$STATE" "$EPOCH"); then
    fail CommandFailed "$STATE could not be written as $OS_USER: $(last_bytes 1000 "$scratch/output")" \
      "Let $OS_USER write in $(dirname -- "$DATA")."
  fi
  compare_epoch "$seen"
}

# Whether a number of an operation is a time that this host's clock says is far from being reached.
is_far_ahead() {
  ((10#$1 > $(printf '%(%s)T' -1) + MOST_AHEAD))
}

# Raises the epoch of this host if that is older, and prints what it was. The directory itself serves as the lock of its
# epoch.
raise_epoch() {
  local state=$1 epoch=$2 seen=0
  mkdir -p -- "$state"
  exec 8<"$state"
  flock 8
  if [[ -s $state/epoch ]]; then read -r seen <"$state/epoch" || :; fi
  printf '%s' "${seen:0:40}"
  if [[ $seen =~ ^[0-9]{1,12}$ ]] && ((10#$seen <= 10#$epoch)); then
    echo "$epoch" >"$state/epoch.new"
    mv -fT -- "$state/epoch.new" "$state/epoch"
    if [[ ! -e $state/lock ]]; then : >"$state/lock"; fi
  fi
}

# Digits that bash can count with; the PostgreSQL user can write anything into the file.
is_epoch() {
  [[ $1 =~ ^[0-9]{1,12}$ ]]
}

# compare_epoch SEEN: ends the command if the host has seen a newer operation, or if what it has seen cannot be one.
compare_epoch() {
  if ! is_epoch "$1"; then
    fail EpochImplausible "$STATE/epoch holds no number of an operation: $1" \
      "Nothing more was changed. If no other runbook runs, remove $STATE/epoch on $NODE and start this one again."
  elif ((10#$1 > 10#$EPOCH)); then
    if is_far_ahead "$1"; then
      fail EpochImplausible "$STATE/epoch holds $1, a time ($(utc_time "$1")) that is far ahead of the clock of $NODE ($(utc_time))." \
        "Nothing more was changed. If the clock of $NODE is right, remove $STATE/epoch there and start the runbook again."
    fi
    superseded "$1"
  fi
}

superseded() {
  fail CommandSuperseded "$NODE has a command of operation $1, which is newer than operation $EPOCH of this command." \
    'Nothing more was changed. The newer runbook goes on; look at its execution.'
}

# The newest operation that this host has seen.
newest_epoch() {
  local seen=''
  read -r seen <"$STATE/epoch" || :
  printf '%s' "${seen:0:40}"
}

# Ends the command if a newer operation has come to this host.
check_epoch() {
  compare_epoch "$(newest_epoch)"
}

# One command at a time: held on descriptor 9 until this process ends, however it ends.
lock_host() {
  exec 9<"$LOCK"
  if ! flock -w 30 9; then
    fail HostBusy "On $NODE another command still runs: $(lock_holder)." \
      'Wait until it ends, or cancel it, and start the runbook again.'
  fi
  check_epoch
  write_note "$STATE/holder" "$COMMAND of operation $EPOCH, since $(utc_time), process $$"
}

lock_holder() {
  local holder=unknown
  if [[ -s $STATE/holder ]]; then holder=$(<"$STATE/holder"); fi
  printf '%s' "$holder"
}

# What holds the lock, or nothing; creates and changes nothing.
busy_with() {
  if [[ -r $LOCK ]] && ! flock -n -s "$LOCK" true; then lock_holder; fi
}
