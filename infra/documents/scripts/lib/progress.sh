# Progress of a base backup or a rewind: in a file, for whoever is on the host; in the cluster's log group, for whoever
# follows it from afar; and in the command's output, which SSM shows at the end.

readonly PROGRESS=$STATE/base-backup.progress

# note_progress LINE: keeps a line such as "12345/67890 kB (18%), 0/1 tablespace", and its total in copied_bytes;
# status 1 if it is another one.
note_progress() {
  local done_bytes total_bytes percent words=$1
  if [[ $1 == 'waiting for checkpoint' ]]; then return 0; fi
  [[ $words =~ ^[[:space:]]*([0-9]{1,15}/[0-9]{1,15})\ kB\ \(([0-9]{1,3})%\) ]] || return 1
  words=${BASH_REMATCH[1]}
  take number percent "${BASH_REMATCH[2]}" 'The percentage of the copy'
  take number done_bytes "${words%/*}" 'What is copied'
  take number total_bytes "${words#*/}" 'What there is to copy'
  done_bytes=$((done_bytes * 1024)) total_bytes=$((total_bytes * 1024))
  # shellcheck disable=SC2034 # for those who want to know
  copied_bytes=$total_bytes
  progress_text="${progress_of:-base backup} of $NODE: $done_bytes of $total_bytes bytes ($percent%)"
  # A small copy tells it many times a second, and who asks hears it a moment later.
  if ((SECONDS > ${noted_at:--1})); then
    write_note "$PROGRESS" "$progress_text"
    noted_at=$SECONDS
  fi
  # SSM keeps only the first characters of the output.
  if ((percent >= ${next_percent:-0})); then
    progress "$progress_text"
    next_percent=$((percent - percent % 10 + 10))
    publish_at=$SECONDS
  fi
  # From afar it is seen at every tenth and every minute.
  if ((SECONDS >= ${publish_at:-0})) && ! is_publishing; then publish; fi
}

# Two calls of the AWS CLI end within 22 s. What seems to run longer is another process with its number.
is_publishing() {
  ((SECONDS < ${published_by:-0})) && kill -0 "$publisher" 2>/dev/null
}

# Puts the progress into the log group. Not through the agent's own upload, which delays the end of a command, and even
# its beginning by minutes where the host has no way to CloudWatch Logs. A copy never waits for this nor fails by it.
publish() {
  if [[ $progress_text == "${published-}" ]]; then return 0; fi
  put_log_event "$(printf '%(%s)T' -1)000" "$progress_text" </dev/null >/dev/null 2>&1 3>&- 4>&- 5<&- 9>&- &
  publisher=$!
  published=$progress_text publish_at=$((SECONDS + 60)) published_by=$((SECONDS + 30))
}

# put_log_event MILLISECONDS TEXT: leaves the reason in $scratch/unpublished if it does not succeed in seconds.
put_log_event() {
  local words event
  event=$(json_object number timestamp "$1" text message "$2") || exit
  if words=$(ask_log_group create-log-stream) || [[ $words == *ResourceAlreadyExistsException* ]]; then
    if words=$(ask_log_group put-log-events --log-events "[$event]"); then
      rm -f -- "$scratch/unpublished"
      return 0
    fi
  fi
  printf '%s' "${words:-no answer within 10 s}" >"$scratch/unpublished"
}

# ask_log_group OPERATION OPTION...: prints what the AWS CLI says.
ask_log_group() {
  local operation=$1
  shift
  timeout -k 1 10 aws logs "$operation" --log-group-name "$LOG_GROUP" --log-stream-name "$NODE/$COMMAND/$EPOCH.$$" \
    --region "$REGION" --output text "$@" 2>&1
}

# Why nobody could follow the progress from afar; nothing when everybody could.
progress_failure() {
  local words
  words=$(last_bytes 500 "$scratch/unpublished")
  printf '%s' "${words//$'\n'/ }"
}

forget_progress() {
  if [[ -e $PROGRESS ]]; then as_postgres rm -f -- "$PROGRESS"; fi
}

# followed COMMAND ...: runs a command that may take hours, and ends it if a newer operation comes to this host.
# Its output comes through a pipe, whose end is its end: no polling. What is not progress is left in $scratch/words.
followed() {
  local line='' piece read_status=0 pid status=0
  : >"$scratch/words"
  mkfifo "$scratch/pipe"
  # Whole lines come through: what read -t had got of one when its time was over, bash 4.2 forgets.
  "$@" > >(exec sed -u '' >"$scratch/pipe" 3>&- 4>&- 9>&-) 2>&1 </dev/null 3>&- 4>&- 9>&- &
  pid=$!
  followed_process=$pid
  exec 5<"$scratch/pipe"
  rm "$scratch/pipe"
  # Status 1 is the end of the pipe, above 128 a second without the end of a line: what came of it is its beginning.
  until ((read_status == 1)); do
    read_status=0
    read_with_limit 1 -u 5 piece || read_status=$?
    line+=$piece
    if ((read_status == 0)) || [[ $read_status -eq 1 && -n $line ]]; then
      note_progress "$line" || printf '%s\n' "$line" >>"$scratch/words"
      line=''
    fi
    check_epoch
  done
  exec 5<&-
  wait "$pid" || status=$?
  followed_process=''
  if [[ -n ${progress_text-} ]]; then publish; fi
  return "$status"
}

# Whether what this command follows has not ended.
is_following() {
  [[ -n ${followed_process-} ]] && kill -0 "$followed_process" 2>/dev/null
}
