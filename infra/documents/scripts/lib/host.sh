# The host: its place in the cluster, our directory on it, and work done as the PostgreSQL user.

readonly DATA=${NODE_DATA_DIRECTORY[$NODE]}
readonly ADDRESS=${NODE_ADDRESS[$NODE]}
readonly PORT=${NODE_PORT[$NODE]}
readonly SOCKET_DIRECTORY=${NODE_SOCKET_DIRECTORY[$NODE]}
# Everything of ours on a host is in this directory, beside the data directory: a rename moves a directory in or out.
readonly STATE=$DATA.runbook
# What is being made and not yet in place. A marker beside the data says that it is ours to throw away.
readonly INCOMING=$STATE/incoming
readonly INCOMING_DATA=$INCOMING/data

# Runs a program as the PostgreSQL user, with none of the command's own descriptors: a server that inherited the
# lock would hold it for ever, one that inherited the output would keep the agent waiting.
as_postgres() {
  if ((EUID == 0)); then
    runuser -u "$OS_USER" -- "$@" 3>&- 4>&- 9>&-
  else
    "$@" 3>&- 4>&- 9>&-
  fi
}

# Runs a function of this script as the PostgreSQL user. Root changes nothing in directories of that user itself:
# a link placed there would otherwise let the user write anywhere.
as_postgres_function() {
  local name=$1
  shift
  as_postgres bash -c "set -euo pipefail; umask 077; $(declare -f "$name"); $name \"\$@\"" "$name" "$@"
}

# Replaces a file by its standard input, whole or not at all; an existing file's mode stays.
replace_file() {
  local target temporary
  target=$(readlink -m -- "$1")
  temporary=$(mktemp "$target.XXXXXXXX")
  dd of="$temporary" conv=fsync status=none
  if [[ -e $target ]]; then chmod --reference="$target" -- "$temporary"; fi
  mv -fT -- "$temporary" "$target"
}

# put_file PATH TEXT: makes the file hold the text, and says so in `changed` if it did not already.
put_file() {
  if [[ -f $1 && $(file_text "$1" 4194304) == "$2" ]]; then return 0; fi
  write_file "$1" "$2"
  changed=true
}

write_file() {
  printf '%s\n' "$2" | as_postgres_function replace_file "$1"
}

# write_note PATH TEXT: the same for what means nothing after a power cut; the disk is not waited for.
write_note() {
  printf '%s\n' "$2" | as_postgres_function replace_note "$1"
}

replace_note() {
  dd of="$1.new" status=none
  mv -fT -- "$1.new" "$1"
}

# write_scratch_file NAME TEXT: a private file that psql, as the PostgreSQL user, can read; gone with the command.
write_scratch_file() {
  : >"$scratch/$1"
  if ((EUID == 0)); then chown -- "$OS_USER" "$scratch/$1"; fi
  printf '%s\n' "$2" >"$scratch/$1"
}

# A new directory for something that is to be put in place later; what a killed command left in it is thrown away.
prepare_incoming() {
  if [[ -e $INCOMING && ! -e $INCOMING/made-by-a-runbook ]]; then
    fail DataDirectoryNotEmpty "$INCOMING exists and was not made by a runbook." \
      "Look what it is, move it away, and run the command again."
  fi
  discard_incoming
  # Before anything is made there: a rename keeps the label that a file was made with.
  label_state
  as_postgres_function make_incoming "$INCOMING"
}

# A directory of the final name has its marker from its first moment to its last, whenever this is killed.
discard_incoming() {
  as_postgres_function throw_away "$INCOMING"
}

throw_away() {
  rm -rf -- "$1.discarded"
  if [[ -e $1 ]]; then
    mv -T -- "$1" "$1.discarded"
    rm -rf -- "$1.discarded"
  fi
}

make_incoming() {
  rm -rf -- "$1.new"
  mkdir -- "$1.new"
  : >"$1.new/made-by-a-runbook"
  mv -T -- "$1.new" "$1"
}

# Puts the finished directory in place of an absent or empty data directory, in one step.
put_incoming_in_place() {
  as_postgres chmod 0700 "$INCOMING_DATA"
  as_postgres mv -T -- "$INCOMING_DATA" "$DATA"
  restore_labels
  as_postgres rm -rf -- "$INCOMING"
}

# Ends the command where nothing can be put in the place of the data directory. In that of a link it could: but then the
# copy would lie on another disk than the data, and what the link points to would stay.
require_replaceable_place() {
  if mountpoint -q -- "$DATA"; then
    fail DataDirectoryIsMountPoint "$DATA on $NODE is a mount point: nothing can be put in its place." \
      'Nothing was changed. Configure a directory inside the file system, or build the node by hand.'
  fi
  if [[ -L $DATA ]]; then
    fail DataDirectoryIsLink "$DATA on $NODE is a symbolic link to $(data_directory_link): a copy is not put in its place." \
      "Nothing was changed. Set dataDirectory of $NODE in clusters.json to that path, deploy, and start the runbook again."
  fi
}

# Where the data directory's path leads if it is a symbolic link; nothing if it is none.
data_directory_link() {
  if [[ -L $DATA ]]; then readlink -m -- "$DATA"; fi
}

# State of the data directory: absent, empty, postgres or other.
data_directory_state() {
  if [[ ! -e $DATA && ! -L $DATA ]]; then
    echo absent
  elif [[ -d $DATA && -e $DATA/PG_VERSION ]]; then
    echo postgres
  elif [[ ! -d $DATA ]]; then
    echo other
  else
    if [[ -z $(data_directory_sample) ]]; then echo empty; else echo other; fi
  fi
}

# Up to five names in the data directory, or its own if it is no directory.
data_directory_sample() (
  shopt -s nullglob dotglob
  if [[ -d $DATA ]]; then set -- "$DATA"/*; else set -- "$DATA"; fi
  if (($# > 0)); then
    set -- "${@:1:5}"
    printf '%s\n' "${@##*/}"
  fi
)
