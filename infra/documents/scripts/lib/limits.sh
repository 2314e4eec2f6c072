# Limits that must not be lower on a standby than on its primary (LIMITS). With lower ones PostgreSQL 14 and later stop
# replaying, earlier ones end, and none starts again. They are only ever raised.

declare -A LIMIT_NEEDED=()

# Adds to LIMIT_NEEDED what this node needs at least of each by the cluster's configuration.
need_configured_limits() {
  local i
  for i in "${!SETTING_NAMES[@]}"; do need_limit "${SETTING_NAMES[i]}" "${SETTING_VALUES[i]}"; done
}

# The same by its control file, which notes the primary's as far as they are known here.
need_known_limits() {
  local line value
  if ! has_own_controldata; then return 0; fi
  while IFS= read -r line; do
    if [[ $line =~ ^(max_[a-z_]+)\ setting:\ +([0-9]+)$ ]]; then
      value=${BASH_REMATCH[2]}
      case ${BASH_REMATCH[1]} in
        max_prepared_xacts) need_limit max_prepared_transactions "$value" ;;
        max_locks_per_xact) need_limit max_locks_per_transaction "$value" ;;
        *) need_limit "${BASH_REMATCH[1]}" "$value" ;;
      esac
    fi
  done < <(as_postgres "$BIN_DIRECTORY/pg_controldata" -D "$DATA")
}

# need_limit NAME VALUE: the larger one counts; other settings do not.
need_limit() {
  local value
  if [[ " ${LIMITS[*]} " != *" $1 "* ]]; then return 0; fi
  take number value "$2" "$1"
  if is_too_low "$1" "${LIMIT_NEEDED[$1]:-0}" "$value"; then LIMIT_NEEDED[$1]=$value; fi
}

# is_too_low NAME VALUE [LIMIT]: whether the value is less than the limit; than what this node needs, if none is given.
is_too_low() {
  local has needs
  take number has "$2" "$1"
  take number needs "${3:-${LIMIT_NEEDED[$1]:-0}}" "$1"
  ((has < needs))
}

# The names as a list in SQL.
limits_in_sql() {
  local name names=''
  for name in "${LIMITS[@]}"; do names+="${names:+,}'$name'"; done
  printf '%s' "$names"
}

# What is too low in the running server or for its next start is set; sets raised to the names, and restart_needed.
set_limits_while_running() {
  local rows name running file statements=''
  restart_needed=false raised=()
  rows=$(sql <<<"SELECT name, setting, coalesce((SELECT substring(f.setting FROM '^[0-9]+\$') FROM pg_file_settings f
      WHERE f.name = s.name ORDER BY seqno DESC LIMIT 1), setting)
    FROM pg_settings s WHERE name IN ($(limits_in_sql)) ORDER BY name")
  while IFS='|' read -r name running file; do
    if [[ -z $name ]]; then continue; fi
    take word name "$name" "A setting of $NODE"
    if is_too_low "$name" "$file"; then statements+="ALTER SYSTEM SET $name = ${LIMIT_NEEDED[$name]};"; fi
    if is_too_low "$name" "$running"; then restart_needed=true; fi
    if is_too_low "$name" "$file" || is_too_low "$name" "$running"; then raised+=("$name"); fi
  done <<<"$rows"
  if [[ -n $statements ]]; then sql >/dev/null <<<"$statements"; fi
  if ((${#raised[@]} > 0)); then changed=true; fi
}

# The same in the files of a stopped server.
set_limits_while_stopped() {
  local name value kept file=$DATA/postgresql.auto.conf added='' names=''
  for name in "${LIMITS[@]}"; do
    value=$(configured "$name")
    if fits number "$value" && is_too_low "$name" "$value"; then
      names+="${names:+|}$name" added+=$'\n'"$name = ${LIMIT_NEEDED[$name]}"
    fi
  done
  if [[ -z $names ]]; then return 0; fi
  kept=$(lines_without "^[[:space:]]*($names)([[:space:]]|=)" "$file")
  put_file "$file" "$kept$added"
}
