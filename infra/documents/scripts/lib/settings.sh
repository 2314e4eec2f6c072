# Settings: compared by what they mean, changed only where that differs.

# The settings of this node as arrays SETTING_NAMES, SETTING_VALUES, SETTING_RULES, SETTING_ACCEPTED:
# to those of the cluster (see the top of the script) come the ones that differ per node.
add_node_settings() {
  if [[ " ${SETTING_NAMES[*]-} " == *' listen_addresses '* ]]; then return 0; fi
  add_setting listen_addresses "${NODE_LISTEN_ADDRESSES[$NODE]}" equal ''
  add_setting port "$PORT" equal ''
  if [[ -n $SOCKET_DIRECTORY ]]; then add_setting unix_socket_directories "$SOCKET_DIRECTORY" equal ''; fi
}

# Lines of a configuration file with all of this node's settings.
settings_file() {
  local i
  add_node_settings
  for i in "${!SETTING_NAMES[@]}"; do
    printf "%s = '%s'\n" "${SETTING_NAMES[i]}" "$(double_quotes "${SETTING_VALUES[i]}")"
  done
}

# Brings the server's settings to what they should be, but for a restart. Sets changed_settings (their names, as words)
# and restart_needed.
apply_settings() {
  local refused
  changed_settings=''
  read_settings
  if ((${#unsatisfied[@]} > 0)); then
    changed=true
    changed_settings="${unsatisfied[*]}"
    alter_settings "${unsatisfied[@]}"
    reload_and_wait
    read_settings
  fi
  if ((${#unsatisfied[@]} > 0)); then
    refused=$(sql <<<"SELECT name || ' = ' || setting || ': ' || error FROM pg_file_settings WHERE error IS NOT NULL")
    fail ConfigurationRefused "PostgreSQL on $NODE keeps another value of ${unsatisfied[*]}. $refused" \
      'Look for the setting on the command line of PostgreSQL, or for errors in its configuration files.'
  fi
}

# Sets unsatisfied (names to be set) and restart_needed (some are set and not in force).
read_settings() {
  local rows name satisfied in_force
  add_node_settings
  rows=$(settings_state)
  unsatisfied=() restart_needed=false
  while IFS='|' read -r name satisfied in_force; do
    if [[ $satisfied != t ]]; then unsatisfied+=("$name"); fi
    if [[ $in_force != t ]]; then restart_needed=true; fi
  done <<<"$rows"
}

alter_settings() {
  local i statements=''
  for i in "${!SETTING_NAMES[@]}"; do
    if [[ " $* " == *" ${SETTING_NAMES[i]} "* ]]; then
      statements+="ALTER SYSTEM SET ${SETTING_NAMES[i]} = $(sql_literal "${SETTING_VALUES[i]}");"$'\n'
    fi
  done
  try_sql <<<"$statements" >/dev/null ||
    sql_failed ConfigurationRefused 'Check postgres.majorVersion and the values in clusters.json.'
}

# Ends the command if a restart has not put every setting in force.
require_settings() {
  read_settings
  if ((${#unsatisfied[@]} > 0)) || [[ $restart_needed == true ]]; then
    fail ConfigurationRefused "After its restart PostgreSQL on $NODE has another value of ${changed_settings:-a setting}." \
      'Look for the setting on the command line of PostgreSQL.'
  fi
}

# Rows name|satisfied|in force. The files decide what the next start has, the running value what is in force now;
# only what cannot change while the server runs may differ.
settings_state() {
  local i rows=''
  for i in "${!SETTING_NAMES[@]}"; do
    rows+="${rows:+,}($(sql_literal "${SETTING_NAMES[i]}"),$(sql_literal "${SETTING_VALUES[i]}"),"
    rows+="$(sql_literal "${SETTING_RULES[i]}"),$(sql_literal "${SETTING_ACCEPTED[i]}"))"
  done
  # The session's own synchronous_commit would hide the server's.
  sql_options='-c statement_timeout=30s' sql <<SQL
WITH factor(unit, factor) AS (VALUES
  ('us', 0.001), ('ms', 1), ('s', 1000), ('min', 60000), ('h', 3600000), ('d', 86400000),
  ('B', 1), ('kB', 1024), ('MB', 1048576), ('GB', 1073741824), ('TB', 1099511627776), ('', 1)
), wanted(name, value, rule, accepted) AS (VALUES $rows
), found AS (
  SELECT w.*, s.vartype, s.context, v.place, v.has,
         -- such as 8kB: what a number without a unit counts
         coalesce(nullif(substring(s.unit FROM '^[0-9]+'), ''), '1')::numeric AS unit_count,
         coalesce(substring(s.unit FROM '[A-Za-z]+$'), '') AS unit
  FROM wanted w
  LEFT JOIN pg_settings s USING (name)
  LEFT JOIN LATERAL (
    SELECT 'running' AS place, s.setting AS has
    UNION ALL
    (SELECT 'file', setting FROM pg_file_settings p WHERE p.name = w.name ORDER BY seqno DESC LIMIT 1)
  ) v ON true
), measured AS (
  SELECT found.*, has_number.number AS has_number, value_number.number AS value_number
  FROM found
  LEFT JOIN LATERAL ($(number_of has)) has_number ON true
  LEFT JOIN LATERAL ($(number_of value)) value_number ON true
), judged AS (
  SELECT name, context, place,
    coalesce(CASE
      WHEN rule = 'one-of' THEN lower(has) = ANY (string_to_array(accepted, ','))
      WHEN rule = 'at-least' THEN has_number >= value_number
      WHEN vartype IN ('integer', 'real') THEN has_number = value_number
      WHEN vartype = 'bool' THEN (lower(has) IN ('on', 'true', 'yes', '1')) = (value = 'on')
      ELSE replace(has, ' ', '') = replace(value, ' ', '')
    END, false) AS fits
  FROM measured
)
SELECT name,
  -- without a line in a file the running value is the default, and the next start's too
  coalesce(bool_and(fits) FILTER (WHERE place = 'file'), bool_and(fits))
    AND (max(context) = 'postmaster' OR bool_and(fits) FILTER (WHERE place = 'running')),
  bool_and(fits) FILTER (WHERE place = 'running')
FROM judged GROUP BY name
SQL
}

# SQL for a setting's number in its smallest unit, from the named column of found; no row if it is none.
number_of() {
  cat <<SQL
SELECT m[1]::numeric * factor * CASE WHEN m[2] = '' THEN unit_count ELSE 1 END AS number
FROM regexp_match(found.$1, '^\s*(-?[0-9.]+)\s*([A-Za-z]*)\s*\$') m
JOIN factor f ON f.unit = CASE WHEN m[2] = '' THEN found.unit ELSE m[2] END
SQL
}
