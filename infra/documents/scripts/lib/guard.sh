# Who may change this host, and when: late commands, commands of an older operation, and two at a time are refused.

readonly LOCK=$STATE/lock

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

# Refuses a command of an older operation; from here on the host refuses what is older than this one.
claim_epoch() {
  local newer
  if ! newer=$(as_postgres_function raise_epoch "$STATE" "$EPOCH"); then
    fail CommandFailed "$STATE could not be written as $OS_USER: $(last_bytes 1000 "$scratch/output")" \
      "Let $OS_USER write in $(dirname -- "$DATA")."
  fi
  if [[ -n $newer ]]; then superseded "$newer"; fi
}

# Prints the epoch of this host if it is newer, else raises it. The directory itself serves as the lock of its epoch.
raise_epoch() {
  local state=$1 epoch=$2 seen=0
  mkdir -p -- "$state"
  exec 8<"$state"
  flock 8
  if [[ -s $state/epoch ]]; then read -r seen <"$state/epoch"; fi
  if ((10#$seen > 10#$epoch)); then
    echo "$seen"
  else
    echo "$epoch" >"$state/epoch.new"
    mv -fT -- "$state/epoch.new" "$state/epoch"
    if [[ ! -e $state/lock ]]; then : >"$state/lock"; fi
  fi
}

superseded() {
  fail CommandSuperseded "$NODE has a command of operation $1, which is newer than operation $EPOCH of this command." \
    'Nothing more was changed. The newer runbook goes on; look at its execution.'
}

# The newest operation that this host has seen.
newest_epoch() {
  local seen=''
  read -r seen <"$STATE/epoch"
  printf '%s' "$seen"
}

# Ends the command if a newer operation has come to this host.
check_epoch() {
  local seen
  seen=$(newest_epoch)
  if ((10#$seen > 10#$EPOCH)); then superseded "$seen"; fi
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
