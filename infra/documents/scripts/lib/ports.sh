# Who listens on a port, from /proc alone: hosts need neither ss nor netstat.

# listener ADDRESS PORT: prints the program that listens there, or nothing.
listener() {
  local inode
  inode=$(listening_socket "$1" "$2") || exit
  if [[ -z $inode ]]; then return 0; fi
  program_with_socket "$inode"
}

# The inode of the listening socket on the address or on every address.
listening_socket() {
  local address=$1 port file part byte digits hex=''
  local -a parts
  # Without any file awk would read its standard input.
  local -a files=(/dev/null)
  take number byte "$2" 'The port'
  printf -v port ':%04X' "$byte"
  IFS=. read -r -a parts <<<"$address"
  # The kernel has the address as a number of this machine: its last byte first.
  for part in ${parts[@]+"${parts[@]}"}; do
    take number byte "$part" 'A byte of the address'
    printf -v digits '%02X' "$byte"
    hex=$digits$hex
  done
  for file in /proc/net/tcp /proc/net/tcp6; do
    if [[ -r $file ]]; then files+=("$file"); fi
  done
  # State 0A is LISTEN; IPv6 shows the address as the last eight digits, and every address as zeros.
  awk -v port="$port" -v hex="$hex" '
    $4 == "0A" && substr($2, length($2) - 4) == port {
      address = substr($2, 1, length($2) - 5)
      if (address ~ /^0+$/ || address == hex || address == "0000000000000000FFFF0000" hex) { print $10; exit }
    }' "${files[@]}"
}

program_with_socket() {
  local entry pid='' name
  # Only root sees the descriptors of others; without their names the port is taken all the same.
  # shellcheck disable=SC2012 # the names are numbers, and find is on no list of programs that hosts must have
  entry=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[$1]" '
    /^\/proc\// { split($0, part, "/"); pid = part[3] }
    index($0, socket) { print pid; exit }' || true)
  pid=${entry%%$'\n'*}
  if [[ -n $pid ]] && read -r name <"/proc/$pid/comm"; then
    printf '%s (process %s)' "$name" "$pid"
  else
    printf 'another program'
  fi
}
