# What a value of synchronous_standby_names means: a bare list is FIRST 1, names match without regard to case.

# Prints METHOD COUNT NAME NAME ..., or nothing if the value is empty, or the value itself if it is not of the grammar.
standby_names_meaning() {
  local text=$1 method=FIRST count=1 names='' token='' space='[[:space:]]*'
  local name="(\"(([^\"]|\"\")+)\"|[^][:space:](),\"]+)"
  if [[ $text =~ ^${space}$ ]]; then return 0; fi
  if [[ $text =~ ^${space}(([Ff][Ii][Rr][Ss][Tt]|[Aa][Nn][Yy])[[:space:]]+)?([0-9]+)${space}\((.*)\)${space}$ ]]; then
    method=${BASH_REMATCH[2]:-FIRST} count=${BASH_REMATCH[3]} text=${BASH_REMATCH[4]}
    if fits number "$count"; then count=$ACCEPTED; fi
  fi
  while [[ $text =~ ^${space}${name}${space}(,|$)(.*)$ ]]; do
    token=${BASH_REMATCH[2]:-${BASH_REMATCH[1]}}
    text=${BASH_REMATCH[5]}
    names+=" ${token,,}"
    if [[ ${BASH_REMATCH[4]} == '' ]]; then break; fi
  done
  if [[ -n $text || -z $names ]]; then printf '%s' "$1"; else printf '%s %s%s' "${method^^}" "$count" "$names"; fi
}
