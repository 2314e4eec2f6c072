# Text that others wrote: what PostgreSQL answers, here and on another node, and files that the PostgreSQL user owns.
#
# Bash runs a command that stands in a text when it counts with it: after x='a[$(id)]' each of ((x > 0)), [[ $x -gt 0 ]],
# ${list[x]} and ${text:x} runs id. So every such text goes through take where it enters, and
# test/infra/foreign-text.ts finds what is counted with and did not.

# take FORMAT VARIABLE TEXT WHAT: puts the text into the variable if it is of the format (see fits); else ends the command.
take() {
  if fits "$1" "$3"; then
    printf -v "$2" %s "$ACCEPTED"
    return 0
  fi
  fail AnswerImplausible "$4 is no $1: $(harmless "$3")." \
    'It was not used. See who answers in the place of PostgreSQL, or which file is damaged, before you go on.'
}

# fits FORMAT TEXT: whether the text is of the format; then it is in ACCEPTED. Numbers lose their leading zeros, with which
# bash would count by eights, and are short enough for 64 bits.
#   number      up to 18 digits
#   decimal     one that may have a fraction
#   timeline    from 1 to 4294967295
#   lsn         a position in the WAL below 2^60, so that sums of positions stay within 64 bits
#   segment     a WAL segment without its timeline, below 2^60 too
#   size        of a WAL segment: a power of two from 1 MB to 1 GB
#   identifier  of a cluster: up to 20 digits, too many to count with
#   hex         eight hexadecimal digits
#   flag        t or f
#   word        letters, digits, _ and -
#   moment      what PostgreSQL prints for a time in any DateStyle; nothing that ends a literal
#   path        absolute, without control characters
#   text        anything that is not too long
fits() {
  local pattern
  case $1 in
    number) pattern='^0*([0-9]{1,18})$' ;;
    decimal) pattern='^0*([0-9]{1,15}(\.[0-9]{1,15})?)$' ;;
    timeline) pattern='^0*([1-9][0-9]{0,9})$' ;;
    lsn) pattern='^([0-9A-F]{1,7}/[0-9A-F]{1,8})$' ;;
    segment) pattern='^(0[0-9A-F]{15})$' ;;
    size) pattern='^([1-9][0-9]{6,9})$' ;;
    identifier) pattern='^([0-9]{1,20})$' ;;
    hex) pattern='^([0-9A-F]{8})$' ;;
    flag) pattern='^([tf])$' ;;
    word) pattern='^([A-Za-z0-9_-]{1,63})$' ;;
    moment) pattern='^([A-Za-z0-9 :.,/+-]{1,63})$' ;;
    path) pattern='^(/[^[:cntrl:]]*)$' ;;
    text) pattern='^(.*)$' ;;
  esac
  if [[ ${#2} -gt 4096 || ! $2 =~ $pattern ]]; then return 1; fi
  ACCEPTED=${BASH_REMATCH[1]}
  case $1 in
    timeline) ((ACCEPTED <= 4294967295)) ;;
    size) ((ACCEPTED >= 1048576 && ACCEPTED <= 1073741824 && (ACCEPTED & (ACCEPTED - 1)) == 0)) ;;
  esac
}

# take_row WHAT ROW FORMAT VARIABLE ...: takes the fields of a row of psql, between which | stands. One whose format ends
# in ? may be empty. The last one has the rest.
take_row() {
  local what=$1 rest=$2 field
  shift 2
  while (($# > 0)); do
    field=$rest
    if (($# > 2)); then field=${rest%%|*}; fi
    if [[ $1 == *'?' && -z $field ]]; then
      printf -v "$2" %s ''
    else
      take "${1%'?'}" "$2" "$field" "$what: ${2,,}"
    fi
    if [[ $rest == *'|'* ]]; then rest=${rest#*|}; else rest=''; fi
    shift 2
  done
}

# A foreign text as a message may quote it: its beginning, in printable ASCII.
harmless() {
  local text=${1:0:100}
  printf '"%s"' "${text//[! -~]/?}"
}

# lsn_number VARIABLE LSN: bytes from the beginning of the WAL.
lsn_number() {
  local hex
  take lsn hex "$2" 'A position in the WAL'
  printf -v "$1" %s $(((16#${hex%/*} << 32) + 16#${hex#*/}))
}

# precedes LSN LSN: whether the first is before the second.
precedes() {
  local first second
  lsn_number first "$1"
  lsn_number second "$2"
  ((first < second))
}

# What the PostgreSQL user owns is read as that user, who could otherwise have root read any file through a link; only
# where it is a regular file, and no more of it and no longer than given. A link to what the user may read is as good as
# the file itself.

# file_text PATH [BYTES]: prints the beginning of a file, 64 KB of it; nothing if it cannot be read.
file_text() {
  if [[ -f $1 ]]; then as_postgres timeout -k 1 5 head -c "${2:-65536}" -- "$1" || true; fi
}

# file_end PATH BYTES: prints the end of a file; nothing if it cannot be read.
file_end() {
  if [[ -f $1 ]]; then as_postgres timeout -k 1 5 tail -c "$2" -- "$1" || true; fi
}

# whole_text PATH: prints a file of up to 4 MB; nothing if there is none. Ends the command if it cannot be read: what the
# operator has in a file that is to be written anew must not get lost.
whole_text() {
  if [[ ! -e $1 ]]; then return 0; fi
  if [[ ! -f $1 ]] || is_larger "$1" 4194304 || ! as_postgres timeout -k 1 5 cat -- "$1"; then
    fail FileUnreadable "$1 on $NODE is no file of up to 4 MB that $OS_USER can read: $(last_bytes 500 "$scratch/output")" \
      'Nothing was written there. Repair the file, which PostgreSQL reads too, and start the runbook again.'
  fi
}

# is_larger PATH BYTES
is_larger() {
  local size limit
  take number size "$(stat -L -c %s -- "$1")" "The size of $1"
  take number limit "$2" 'A size'
  ((size > limit))
}

# lines_without PATTERN PATH: the lines of such a file that do not match.
lines_without() {
  local text
  # The caller is a substitution, in which bash goes on after an error.
  text=$(whole_text "$2") || exit
  grep -aEiv "$1" <<<"$text" || true
}

# read_numbers PATH COUNT: sets NUMBERS to the first numbers of a binary file, each of 32 bits without a sign; status 1 if
# it has not so many.
read_numbers() {
  local line number count
  NUMBERS=()
  take number count "$2" 'A count of numbers'
  if [[ ! -f $1 ]]; then return 1; fi
  while read -r line; do
    take number number "$line" "$1"
    NUMBERS+=("$number")
  done < <(as_postgres timeout -k 1 5 od -An -v -w4 -tu4 -N$((count * 4)) -- "$1" || true)
  ((${#NUMBERS[@]} == count))
}

# values_query EXPRESSION ... [-- REST]: SQL whose answer is one line for each expression, in which COPY escapes what is not
# plain, so that no text can pass for another line, and a point for the end, since bash drops empty lines there. REST is
# what follows the list, FROM and on.
values_query() {
  local list=''
  while (($# > 0)) && [[ $1 != -- ]]; do
    list+="${list:+, }($1)::text"
    shift
  done
  printf 'COPY (SELECT unnest(ARRAY[%s, chr(46)]) %s) TO STDOUT;\n' "$list" "${2-}"
}

# take_values WHAT ANSWER COUNT: of values_query; sets VALUES. NULL is empty there.
take_values() {
  local value count
  local -a lines=()
  mapfile -t lines <<<"$2"
  take number count "$3" 'A count of values'
  if ((${#lines[@]} != count + 1)) || [[ ${lines[count]} != . ]]; then
    fail AnswerImplausible "$1 did not answer with $3 values: $(harmless "$2")." \
      'They were not used. See who answers in the place of PostgreSQL, before you go on.'
  fi
  VALUES=()
  for value in "${lines[@]:0:count}"; do
    if [[ $value == '\N' ]]; then value=''; fi
    if [[ $value == *\\* ]]; then printf -v value %b "$value"; fi
    VALUES+=("$value")
  done
}

# take_bool VARIABLE TEXT WHAT: true or false, as JSON has them, from what PostgreSQL casts a boolean to.
take_bool() {
  case $2 in
    true | t) printf -v "$1" true ;;
    false | f) printf -v "$1" false ;;
    *) take flag "$1" "$2" "$3" ;;
  esac
}
