# What a command tries for the good of its node, and can do without: its own work goes on, however the attempt ends.

# attempt SECONDS FUNCTION NAME...: runs the function in a process of its own; when it has ended well, the variables of
# these names get what they are there, a line each. Why the first attempt of a command failed is in attempt_failure, as
# JSON: the error that would have ended the command.
attempt() {
  local limit=$1 pid='' name value='' status=0 words=''
  shift
  exec 5< <(attempted "$@")
  shift
  read -r -u 5 pid || true
  read -r -t "$limit" -u 5 value || status=$?
  if [[ $value == ended ]]; then
    for name in "$@"; do
      IFS= read -r -u 5 value
      printf -v "$name" '%s' "$value"
    done
    exec 5<&-
    return 0
  fi
  exec 5<&-
  # From here on the command changes the node itself, and nobody beside it.
  if ((status > 128)); then
    kill -KILL "$pid" || true
    words="it has not ended within $limit s"
  elif [[ -e $scratch/attempt/failure ]]; then
    words=$(<"$scratch/attempt/failure")
  fi
  if [[ -n ${attempt_failure-} ]]; then return 0; fi
  if [[ -s $scratch/attempt/answer ]]; then
    attempt_failure=$(<"$scratch/attempt/answer")
    attempt_failure="{${attempt_failure#'{"ok":false,'}"
  else
    attempt_failure=$(json_object text error CommandFailed \
      text message "A part of $COMMAND failed on $NODE: ${words:-no reason was given}" \
      text remedy 'Start the setup runbook: it does it again.')
  fi
}

# With scratch files of its own: an error that is reported there does not end the command.
attempted() {
  local name function=$1
  shift
  set -Eeuo pipefail
  # What it leaves behind when it is ended keeps neither the agent waiting nor the next command out.
  exec 6>&1 >>"$scratch/output" 4>&1 9>&-
  echo "$BASHPID" >&6
  scratch+=/attempt
  rm -rf -- "$scratch"
  mkdir -m 0711 -- "$scratch"
  exec 3>"$scratch/answer"
  "$function"
  # What failed in a substitution has not ended it.
  [[ ! -e $scratch/reported ]]
  echo ended >&6
  for name in "$@"; do printf '%s\n' "${!name}"; done >&6
}
