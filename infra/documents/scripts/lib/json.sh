# JSON without a program for it.

# A text as a JSON string, cut to what fits into a message.
json_string() {
  local text=$1 json='' character escaped i
  if ((${#text} > longest_message)); then
    # Cut in the middle: the beginning says what was tried, the end what went wrong. No half UTF-8 character stays.
    local head=${text:0:longest_message / 3} tail=${text: -(longest_message * 2 / 3)}
    while [[ $head == *[$'\x80'-$'\xbf'] ]]; do head=${head%?}; done
    head=${head%[$'\xc0'-$'\xff']}
    while [[ $tail == [$'\x80'-$'\xbf']* ]]; do tail=${tail#?}; done
    text="$head ... $tail"
  fi
  if [[ $text != *[\"\\[:cntrl:]]* ]]; then
    printf '"%s"' "$text"
    return
  fi
  # One by one: how a pattern substitution treats backslashes and & depends on the version of bash.
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    case $character in
      '"' | \\) json+="\\$character" ;;
      $'\n') json+='\n' ;;
      $'\t') json+='\t' ;;
      [[:cntrl:]])
        printf -v escaped '\\u%04x' "'$character"
        json+=$escaped
        ;;
      *) json+=$character ;;
    esac
  done
  printf '"%s"' "$json"
}

# A text as a JSON string, or null if it is empty.
json_string_or_null() {
  if [[ -z $1 ]]; then printf null; else json_string "$1"; fi
}

# Texts as a JSON array of strings.
json_strings() {
  local separator='' text
  printf '['
  for text in "$@"; do
    printf '%s' "$separator"
    json_string "$text"
    separator=','
  done
  printf ']'
}

# json_object KIND NAME VALUE ...: an object. Each value is encoded by its kind, so that no value can add a field:
#   text
#   optional  a text, or null if it is empty
#   number    or null
#   bool      true, false or null
#   json      made by a function of this file
json_object() {
  local separator=''
  printf '{'
  while (($# > 0)); do
    printf '%s"%s":' "$separator" "$2"
    case $1 in
      text) json_string "$3" ;;
      optional) json_string_or_null "$3" ;;
      number) json_word '^(null|(0|[1-9][0-9]*)(\.[0-9]+)?)$' "$2" "$3" ;;
      bool) json_word '^(true|false|null)$' "$2" "$3" ;;
      json) printf '%s' "$3" ;;
    esac
    separator=','
    shift 3
  done
  printf '}'
}

# json_word PATTERN NAME VALUE: a value that needs no quotes. This ends the command from within a substitution:
# succeed sees that it did.
json_word() {
  if [[ ! $3 =~ $1 ]]; then
    fail AnswerImplausible "$2 of $NODE would be $(harmless "$3")." 'Report this message.'
  fi
  printf '%s' "$3"
}

# json_bool COMMAND ...: true or false, by how the command ends.
json_bool() {
  if "$@"; then printf true; else printf false; fi
}
