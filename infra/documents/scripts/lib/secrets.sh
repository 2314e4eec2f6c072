# Secrets: fetched by the host with its own role, kept in shell variables and in files of mode 0600.
# They are in no argument list, no environment, no output and no log.

# fetch_secret ID: sets SECRET_USER and SECRET_PASSWORD; status 1 with the reason in SECRET_FAILURE.
fetch_secret() {
  local file=$scratch/secret.${1//\//.}
  SECRET_USER='' SECRET_PASSWORD='' SECRET_FAILURE=''
  if [[ ! -e $file ]]; then ask_for_secret "$1"; fi
  if [[ ! -e $file.complete ]]; then
    SECRET_FAILURE="aws secretsmanager get-secret-value $1: $(last_bytes 2000 "$file.words")"
    if [[ ! -s $file.words ]]; then SECRET_FAILURE+='no answer within 30 s'; fi
    return 1
  fi
  if ! parse_secret "$(<"$file")"; then
    SECRET_FAILURE="$1 is not of the form {\"username\":\"...\",\"password\":\"...\"} with printable ASCII characters."
    return 1
  fi
}

# ask_for_secrets ID...: has them all there for fetch_secret. At the same time: the AWS CLI takes most of a second to start.
ask_for_secrets() {
  local id
  for id in "$@"; do ask_for_secret "$id" & done
  wait
}

ask_for_secret() {
  local file=$scratch/secret.${1//\//.}
  if timeout 30 aws secretsmanager get-secret-value --secret-id "$1" --region "$REGION" --query SecretString \
    --output text >"$file" 2>"$file.words" </dev/null 3>&- 4>&- 9>&-; then
    : >"$file.complete"
  fi
}

# As fetch_secret; ends the command if the secret cannot be read.
require_secret() {
  if ! fetch_secret "$1"; then
    fail SecretUnreadable "$SECRET_FAILURE" \
      "Let the instance's role read the secret, and give the secret a username and a password."
  fi
}

# Ends the command if the fetched secret is for another user than the configured one.
require_secret_user() {
  if [[ $SECRET_USER != "$2" ]]; then
    fail SecretUnreadable "$1 is for the user $SECRET_USER; the cluster is configured for $2." \
      "Give the secret the username $2, or configure the other user."
  fi
}

# Takes one "name": value after the other off a flat JSON object.
parse_secret() {
  local rest=$1 name value
  local string='"(([^"\\]|\\.)*)"' space='[[:space:]]*'
  local pair="^$space$string$space:$space($string|[-+.0-9a-zA-Z]+)$space([,}])(.*)\$"
  [[ $rest =~ ^[[:space:]]*\{(.*)$ ]] || return 1
  rest=${BASH_REMATCH[1]}
  while [[ $rest =~ $pair ]]; do
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[3]} rest=${BASH_REMATCH[7]}
    if [[ $value == \"* ]]; then
      value=$(json_text "${BASH_REMATCH[4]}" && printf x) || return 1
      value=${value%x}
      case $name in
        username) SECRET_USER=$value ;;
        password) SECRET_PASSWORD=$value ;;
      esac
    fi
    if [[ ${BASH_REMATCH[6]} == '}' ]]; then break; fi
  done
  [[ $rest =~ ^[[:space:]]*$ && -n $SECRET_USER && -n $SECRET_PASSWORD ]] || return 1
  [[ $SECRET_USER$SECRET_PASSWORD != *[!\ -~]* ]]
}

# The text that the inside of a JSON string stands for.
json_text() {
  local rest=$1 text='' character
  while [[ $rest == *\\* ]]; do
    text+=${rest%%\\*}
    rest=${rest#*\\}
    case $rest in
      [\"\\/]*) character=${rest:0:1} ;;
      u00[0-7][0-9a-fA-F]*)
        printf -v character %b "\\x${rest:3:2}"
        rest=${rest:4}
        ;;
      *) return 1 ;;
    esac
    text+=$character
    rest=${rest:1}
  done
  printf '%s' "$text$rest"
}

# A field of a password file.
pgpass_field() {
  local text=$1 field='' character i
  for ((i = 0; i < ${#text}; i++)); do
    character=${text:i:1}
    if [[ $character == [:\\] ]]; then character="\\$character"; fi
    field+=$character
  done
  printf '%s' "$field"
}

# pgpass_lines USER PASSWORD: what a password file needs for every node of the cluster.
pgpass_lines() {
  local node password
  password=$(pgpass_field "$2")
  for node in "${NODES[@]}"; do
    printf '%s:%s:replication:%s:%s\n' "${NODE_ADDRESS[$node]}" "${NODE_PORT[$node]}" "$1" "$password"
    printf '%s:%s:*:%s:%s\n' "${NODE_ADDRESS[$node]}" "${NODE_PORT[$node]}" "$1" "$password"
  done
}

# The password file by which this node follows another one.
put_replication_passfile() {
  # PostgreSQL itself reads it.
  label_state
  put_file "$PASSFILE" "$(pgpass_lines "$SECRET_USER" "$SECRET_PASSWORD")"
}
