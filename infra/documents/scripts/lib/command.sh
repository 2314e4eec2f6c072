# How a command ends: with one line of JSON, whatever happened.
#
# Descriptor 3 is the agent's stdout and gets that line only, descriptor 4 its stderr and gets short progress.
# Whatever else a command or its children print goes to a scratch file, whose end is quoted if it fails unexpectedly.

# Longest text of one message: SSM keeps 24,000 characters of output, and an escaped character can be six long.
readonly longest_message=3500

# Runs the function that is this command's checklist.
run_as_command() {
  set -Eeuo pipefail
  export LC_ALL=C
  # shellcheck disable=SC2086  # names of variables, one word each
  unset CDPATH BASH_ENV ENV ${!PG@}
  umask 077
  cd /
  # The agent may give another user's home or none; aws and libpq look for files of their own there.
  unset HOME
  export HOME=~
  exec 3>&1 4>&2
  scratch=$(make_scratch_directory)
  exec >>"$scratch/output" 2>&1
  trap 'note_failure "$?" "$LINENO" "$BASH_COMMAND"' ERR
  trap end_command EXIT
  trap end_at_signal HUP INT TERM
  "$1"
}

# A person, or a host that shuts down, ends the command.
end_at_signal() {
  if [[ ${reads_with_limit-} == true ]]; then must_end=true; else exit 143; fi
}

# read_with_limit SECONDS ARGUMENT...: read -r -t; status above 128 when the time is over. A trap must not exit
# meanwhile: bash would keep the limit for the frame that it has left, and jump back into it while the command cleans up
# (4.2 ends by SIGSEGV, 5.2 by SIGABRT), so that nothing would be cleaned up and nobody told. It exits afterwards.
read_with_limit() {
  local limit=$1 limited_status=0
  shift
  reads_with_limit=true
  read -r -t "$limit" "$@" || limited_status=$?
  reads_with_limit=false
  if [[ ${must_end-} == true ]]; then exit 143; fi
  return "$limited_status"
}

# From here on the command ends, and says how: a signal no longer changes that.
hold_signals() {
  trap : HUP INT TERM
}

# Secrets pass through this directory: it is in memory where the host offers that.
make_scratch_directory() {
  local parent directory
  for parent in /dev/shm "${TMPDIR:-/tmp}" /tmp; do
    if directory=$(mktemp -d "$parent/runbook.$$.$(process_start "$$").XXXXXXXXXX" 2>/dev/null); then
      # psql, as the PostgreSQL user, reads its own files there; nobody else can list it.
      chmod 0711 "$directory"
      printf '%s' "$directory"
      return 0
    fi
  done
  echo 'no directory for temporary files' >&2
  return 1
}

# What a command that was killed left in memory goes: it may hold a password. Its process number may have passed to
# another process, which began at another time. (A directory whose name lacks the time is of version 0.1.0.)
sweep_scratch_directories() {
  local directory pid start random
  for directory in "${scratch%/*}"/runbook.*.*; do
    IFS=. read -r pid start random <<<"${directory##*/runbook.}"
    if [[ -O $directory && (! -d /proc/$pid || -n $random && $start != "$(process_start "$pid")") ]]; then
      rm -rf -- "$directory"
    fi
  done
}

# process_start PID: when a process began, in clock ticks since the host booted; nothing if there is none.
process_start() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # The second field is the program's name in brackets, with whatever it holds. The beginning is the 22nd.
  # shellcheck disable=SC2086 # numbers, one word each
  set -- ${stat##*) }
  printf '%s' "${20-}"
}

# Remembers what failed, for the result line of an unexpected end.
note_failure() {
  [[ -e $scratch/reported ]] || printf '%s: line %s: exit status %s\n' "$3" "$2" "$1" >"$scratch/failure"
}

# Also runs when the agent ends the command: nothing of ours stays behind.
end_command() {
  local status=$?
  hold_signals
  trap - ERR EXIT
  set +e
  if declare -F on_end >/dev/null; then on_end; fi
  if [[ ! -e $scratch/reported ]]; then
    local what="exit status $status"
    [[ -e $scratch/failure ]] && what=$(<"$scratch/failure")
    report_failure CommandFailed "$COMMAND failed unexpectedly: $what
$(last_bytes 2000 "$scratch/output")" 'Run the command again; if it fails in the same way, report this message.'
  fi
  local succeeded=1
  [[ -e $scratch/succeeded ]] && succeeded=0
  if ((succeeded != 0)); then last_bytes 2000 "$scratch/output" >&4; fi
  rm -rf -- "$scratch"
  exit "$succeeded"
}

# succeed JSON: ends the command with this result.
succeed() {
  # A value that was refused in a substitution on the way here has ended the command already.
  if [[ -e $scratch/reported ]]; then exit 1; fi
  hold_signals
  : >"$scratch/reported"
  : >"$scratch/succeeded"
  printf '{"ok":true,"result":%s}\n' "$1" >&3
  exit 0
}

# fail NAME MESSAGE REMEDY: ends the command with an error; the names are those of lambdas/contract/errors.ts.
fail() {
  report_failure "$@"
  exit 1
}

report_failure() {
  hold_signals
  # The first report counts: a failure in a subshell ends its parent too.
  if [[ -e $scratch/reported ]]; then return 0; fi
  : >"$scratch/reported"
  printf '{"ok":false,"error":%s,"message":%s,"remedy":%s}\n' \
    "$(json_string "$1")" "$(json_string "$2")" "$(json_string "$3")" >&3
}

# progress TEXT: a line for whoever watches the command's output.
progress() {
  printf '%s\n' "$1" >&4
}

# The time, as people and file names want it.
utc_time() {
  TZ=UTC printf '%(%Y-%m-%dT%H:%M:%SZ)T' "${1:--1}"
}

# The end of a file; not the whole of a long one.
last_bytes() {
  [[ ! -e $2 ]] || tail -c "$1" -- "$2"
}
