# Data directories that were replaced: each in a directory of its own, with a note that says it is ours to remove.

readonly FORMER=$STATE/former

# set_aside WHY: moves the data directory there, in one step. Whether all of it is on the primary is decided here, where
# the data is, and goes with it: nobody who comes later can tell any more.
set_aside() {
  local name keep=''
  name=$(TZ=UTC printf '%(%Y%m%dT%H%M%SZ)T' -1)-operation-$EPOCH
  if [[ ! -e $DATA/standby.signal ]]; then keep=$(why_control_data_is_bad); fi
  if [[ -n $keep ]]; then keep="It may be a former primary's, and hold commits that nobody else has: $keep."; fi
  as_postgres_function move_aside "$FORMER" "$name" "$DATA" "$1" "$keep"
}

move_aside() {
  mkdir -p -- "$1"
  rm -rf -- "$1/$2.new"
  mkdir -- "$1/$2.new"
  printf '%s\n' "$4" >"$1/$2.new/set-aside-by-a-runbook"
  if [[ -n $5 ]]; then printf '%s\n' "$5" >"$1/$2.new/keep"; fi
  mv -T -- "$1/$2.new" "$1/$2"
  mv -T -- "$3" "$1/$2/data"
}

# The note goes last: what a killed command leaves of the data is found again by it.
remove_former() {
  rm -rf -- "$1/data"
  rm -rf -- "$1"
}

# What was set aside, oldest first: the directory that holds the data and the notes.
former_directories() (
  shopt -s nullglob
  local note
  for note in "$FORMER"/*/set-aside-by-a-runbook; do echo "${note%/*}"; done
)

# Whether some of it is only there because no rejoin has come to discard it.
has_discardable_data() {
  local directory
  while read -r directory; do
    if [[ ! -e $directory/keep || ! -d $directory/data ]]; then return 0; fi
  done < <(former_directories)
  return 1
}

newest_former_data() {
  local directory newest=''
  while read -r directory; do
    if [[ -d $directory/data ]]; then newest=$directory/data; fi
  done < <(former_directories)
  printf '%s' "$newest"
}
