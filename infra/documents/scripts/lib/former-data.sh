# Data directories that were replaced: each in a directory of its own, with a note that says it is ours to remove.

readonly FORMER=$STATE/former

# set_aside WHY: moves the data directory there, in one step.
set_aside() {
  local name
  name=$(TZ=UTC printf '%(%Y%m%dT%H%M%SZ)T' -1)-operation-$EPOCH
  as_postgres_function move_aside "$FORMER" "$name" "$DATA" "$1"
}

move_aside() {
  mkdir -p -- "$1"
  rm -rf -- "$1/$2.new"
  mkdir -- "$1/$2.new"
  printf '%s\n' "$4" >"$1/$2.new/set-aside-by-a-runbook"
  mv -T -- "$1/$2.new" "$1/$2"
  mv -T -- "$3" "$1/$2/data"
}

# Data directories that were set aside, oldest first.
former_data() (
  shopt -s nullglob
  local note
  for note in "$FORMER"/*/set-aside-by-a-runbook; do
    if [[ -d ${note%/*}/data ]]; then echo "${note%/*}/data"; fi
  done
)

newest_former_data() {
  former_data | tail -n 1
}
