# SELinux: PostgreSQL under systemd may read only what has its type. A file is made with the type of its directory, and a
# rename keeps it. Where SELinux is off nothing here does anything, and nothing here ends a command: whether the labels
# are right shows when PostgreSQL starts.

selinux_is_on() {
  type -P selinuxenabled >/dev/null && selinuxenabled
}

# The type that the policy has for the data directory, if it is one of PostgreSQL's. Where it is not, the operator labelled
# the directory by hand, or PostgreSQL is not confined.
policy_type() {
  local context
  context=$(matchpathcon -n "$DATA" 2>/dev/null || true)
  if [[ $context == *:postgresql_* ]]; then type_in "$context"; fi
}

# The type in a context such as system_u:object_r:postgresql_db_t:s0.
type_in() {
  local type=${1#*:*:}
  printf '%s' "${type%%:*}"
}

# Gives our directory the type of the data directory: a policy knows the path of the data directory, and not always what
# is beside it. Our directory holds the password file that PostgreSQL reads, and a copy that is made there has the right
# type from its first file on. As the PostgreSQL user, so that no link of that user leads elsewhere.
label_state() {
  local type
  if ! selinux_is_on; then return 0; fi
  type=$(policy_type)
  if [[ -z $type && -d $DATA ]]; then type=$(type_in "$(stat -c %C -- "$DATA" || true)"); fi
  if [[ -n $type && $(type_in "$(stat -c %C -- "$STATE" || true)") != "$type" ]]; then
    as_postgres_function give_type "$type" "$STATE" || true
  fi
}

# The directory and what is directly in it: deeper there is data that is set aside, or made anew.
give_type() (
  shopt -s nullglob
  chcon -h -t "$1" -- "$2" "$2"/*
)

# Restores the labels of the data directory. A walk through a large one takes its time: a few files tell whether it is
# needed, since all of a copy were made in one directory. What the operator labelled by hand stays.
restore_labels() {
  local sample
  if ! selinux_is_on; then return 0; fi
  if type -P matchpathcon >/dev/null; then
    if [[ -z $(policy_type) ]]; then return 0; fi
    for sample in '' /PG_VERSION /base /global/pg_control /postgresql.auto.conf; do
      if [[ -e $DATA$sample ]] && ! as_postgres matchpathcon -V "$DATA$sample"; then break; fi
      sample=right
    done
    if [[ $sample == right ]]; then return 0; fi
  fi
  as_postgres restorecon -R -- "$DATA" || true
}
