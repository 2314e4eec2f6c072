# Histories of timelines: the files that say where each earlier one ended.

# read_switch LINE: of a history; sets SWITCH_TIMELINE and SWITCH_LSN, where that timeline ended. The name of the file is
# before the first line where a server sends the history. Status 1 if the line is another one.
read_switch() {
  local timeline position
  if [[ ! $1 =~ ^([0-9A-F]+\.history\ )?([0-9]+)[[:space:]]+([0-9A-F]+/[0-9A-F]+) ]]; then return 1; fi
  timeline=${BASH_REMATCH[2]} position=${BASH_REMATCH[3]}
  take timeline SWITCH_TIMELINE "$timeline" 'A timeline in a history'
  take lsn SWITCH_LSN "$position" 'A position in a history'
}

# own_history TIMELINE: the history of a timeline as this node has it; nothing if it has none.
own_history() {
  local timeline file
  take timeline timeline "$1" "The timeline of $NODE"
  printf -v file '%s/pg_wal/%08X.history' "$DATA" "$timeline"
  file_text "$file"
}

# timeline_of VARIABLE PATH: the timeline whose history the file is, by its name; status 1 if it is none.
timeline_of() {
  local name=${2##*/} digits
  name=${name%.history}
  if ! fits hex "$name"; then return 1; fi
  take hex digits "$name" 'The name of a history'
  printf -v "$1" %s $((16#$digits))
}
