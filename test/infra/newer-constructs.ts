/**
 * What hosts may lack: constructs of bash and options of programs that are newer than the oldest system that the README
 * promises, CentOS 7: bash 4.2.46, coreutils 8.22, util-linux 2.23, systemd 219, OpenSSL 1.0.2k, grep 2.20, sed 4.2.2,
 * gawk 4.0.2, findutils 4.5.11, tar 1.26, procps-ng 3.3.10.
 *
 * Versions are those of the programs' own NEWS and CHANGES; how this was checked is in docs/host-programs.md.
 */

/** A construct that a script for hosts must not have. */
export interface NewerConstruct {
  readonly name: string;
  /** Finds it in one line of a script. */
  readonly pattern: RegExp;
  /** The program and the first version that has it. */
  readonly since: string;
  /** What to write instead. */
  readonly instead: string;
  /** Lines that have it. */
  readonly examples: readonly string[];
  /** Lines that look alike and are right. */
  readonly right?: readonly string[];
}

/** A command of that name with an option, anywhere on the line after it. */
const option = (program: string, options: string): RegExp =>
  new RegExp(`(?:^|[^\\w./-])${program}\\s(?:[^|;&]*\\s)?(?:${options})(?![\\w-])`);

/** A program that a host may not have at all. */
const program = (names: string): RegExp =>
  new RegExp(`(?:^|[|;&(]\\s*|\\$\\(\\s*|\\b(?:as_postgres|exec|env|timeout [^ ]+|if|then|do|!)\\s+)(?:${names})\\s`);

const builtins: readonly NewerConstruct[] = [
  {
    name: 'declare -g',
    pattern: /\b(?:declare|typeset|local)\s+(?:-\w+\s+)*-\w*g/,
    since: 'bash 4.3 (4.2 has it, but declare -gA NAME=() in a function makes an empty local there)',
    instead: 'declare the array at the top level of the library, and empty it in the function with NAME=()',
    examples: ['declare -gA TIMELINE_LEFT_AT=()', '  typeset -g -A NAME', 'declare -A -g NAME=()'],
    right: ['declare -A TIMELINE_LEFT_AT=()', 'local -a missing=()'],
  },
  {
    name: 'nameref',
    pattern: /\b(?:declare|typeset|local)\s+(?:-\w+\s+)*-\w*n|\bunset\s+-n\b/,
    since: 'bash 4.3',
    instead: 'print the value, or set a variable of a fixed name',
    examples: ['local -n result=$1', 'declare -gn x=y', 'unset -n result'],
    right: ['export -n HOME', 'local name=$1'],
  },
  {
    name: 'NAME+=VALUE before a command',
    pattern:
      /(?:^|[;&|({]\s*|\b(?:then|do|else|if|!)\s+)[A-Za-z_]\w*\+=(?:'[^']*'|"[^"]*"|[^\s;'"()]+)[ \t]+(?![&|;)#}]|[A-Za-z_]\w*\+?=)\S/,
    since: 'a bash after 4.2, which takes it for NAME=VALUE: a limit of time and synchronous_commit=local were lost',
    instead: 'NAME="$NAME …" before the command',
    examples: [
      "sql_options+=' -c statement_timeout=500s' sql <<<'CHECKPOINT'",
      'answer=$(sql_options+=" -c statement_timeout=9s" \\',
      'then PATH+=:/opt ls',
    ],
    right: [
      'seen+="$address "',
      'names+="${names:+|}$name" added+=$\'\\n\'"$name"',
      'changed+=("$1") # a list',
      'sql_options="$sql_options -c lc_messages=C" in_session env psql',
      'list+="${list:+, }x"; shift',
    ],
  },
  {
    name: 'local -',
    pattern: /\blocal\s+-(?:\s|;|$)/,
    since: 'bash 4.4',
    instead: 'change shell options in a function whose body is a subshell: name() ( … )',
    examples: ['  local -', 'local - name'],
  },
  {
    name: 'wait -n, -p, -f',
    pattern: /\bwait\s+-[nfp]/,
    since: 'bash 4.3 (-n), 5.0 (-f), 5.1 (-p)',
    instead: 'wait for each process by its number',
    examples: ['wait -n', 'wait -p pid -n'],
    right: ['wait "$pid"', 'wait'],
  },
  {
    name: 'mapfile -d',
    pattern: /\b(?:mapfile|readarray)\s(?:[^<|;]*\s)?-\w*d/,
    since: 'bash 4.4',
    instead: "while IFS= read -r -d ''; do … done",
    examples: ["mapfile -d '' -t files", 'readarray -td : parts'],
    right: ['mapfile -t word < <(od -An -v -w4 -tu4 -N148 -- "$1/global/pg_control")'],
  },
  {
    name: '${parameter@operator}',
    pattern: /\$\{!?\w+(?:\[[^\]]*\])?@[A-Za-z]\}/,
    since: 'bash 4.4',
    instead: 'printf %q, declare -p, or ${x^^} and ${x,,}',
    examples: ['echo "${x@Q}"', '${names[@]@A}', '${1@U}'],
    right: ['unset ${!PG@}', '"${@:1:5}"'],
  },
  {
    name: '${ command; } and ${| command; }',
    pattern: /\$\{[\s|]/,
    since: 'bash 5.3',
    instead: '$(command)',
    examples: ['x=${ echo a; }', 'x=${| REPLY=a; }'],
  },
  {
    name: 'newer variables',
    pattern: /\b(?:EPOCHSECONDS|EPOCHREALTIME|SRANDOM|BASH_ARGV0|BASH_MONOSECONDS|BASH_TRAPSIG|GLOBSORT|CHILD_MAX)\b/,
    since: 'bash 4.3 to 5.3',
    instead: "printf '%(%s)T' -1 for the time",
    examples: ['now=$EPOCHSECONDS', '${SRANDOM}'],
    right: ['EPOCH=$1', '((SECONDS < deadline))'],
  },
  {
    name: "printf '%(…)T' without a time",
    pattern: /%\([^)]*\)T[^'" ]*['"]?\s*(?:$|[;|&)\n])/,
    since: 'bash 4.3 (4.2 prints the beginning of 1970)',
    instead: "printf '%(…)T' -1",
    examples: ["now=$(printf '%(%s)T')", "printf '%(%F)T\\n'", "printf '%(%s)T' | cat"],
    right: ["printf '%(%s)T' -1", 'TZ=UTC printf \'%(%Y-%m-%dT%H:%M:%SZ)T\' "${1:--1}"'],
  },
  {
    name: '[[ -v array[key] ]] and [[ -R name ]]',
    pattern: /(?:\[\[?|\btest|&&|\|\||!)\s+(?:!\s+)?(?:-v\s+["']?\w+\[|-R\s)/,
    since: 'bash 4.3',
    instead: '[[ -n ${array[key]+set} ]]',
    examples: ['if [[ -v NODE_PORT[$node] ]]; then', '[[ ! -v a[0] ]]', '[[ -R x ]]'],
    right: ['printf -v names[0] x', '[[ -v NAME ]]'],
  },
  {
    name: 'assignment to a negative subscript',
    pattern: /(?:^|[\s;])\w+\[-\d+\]\+?=|\bunset\s+["']?\w+\[-/,
    since: 'bash 4.3',
    instead: 'array[${#array[@]}-1]',
    examples: ['a[-1]=x', "unset 'a[-1]'"],
    right: ['echo "${a[-1]}"'],
  },
  {
    name: 'declare -A of a list of keys and values',
    pattern: /-\w*A\w*\s+\w+=\(\s*[^[)\s]/,
    since: 'bash 5.1',
    instead: 'declare -A NAME=([key]=value)',
    examples: ['declare -A port=(alpha 5432)'],
    right: ['declare -A port=([alpha]=5432)', 'declare -A LIMIT_NEEDED=()', 'local -a states=(a b)'],
  },
  {
    name: 'newer shopt and set options',
    pattern:
      /\bshopt\s(?:[^;]*\s)?(?:inherit_errexit|localvar_inherit|localvar_unset|assoc_expand_once|array_expand_once|patsub_replacement|globskipdots|varredir_close|progcomp_alias|globasciiranges|direxpand|bash_source_fullpath|syslog_history|complete_fullquote|compat4[2-9]|compat5\d)\b/,
    since: 'bash 4.3 to 5.3',
    instead: 'code that does not need it: x=$(…) || exit for inherit_errexit',
    examples: ['shopt -s inherit_errexit', 'shopt -u patsub_replacement'],
    right: ['shopt -s nullglob dotglob', 'shopt -s lastpipe'],
  },
  {
    name: 'read -E, source -p, ulimit -R, printf %Q',
    pattern: /\bread\s+(?:-\w+\s+)*-\w*E\b|(?:\bsource|^\s*\.)\s+-p\b|\bulimit\s+-R|\bprintf\s[^;]*%Q/,
    since: 'bash 5.1 to 5.3',
    instead: 'read, source with a path, printf %q',
    examples: ['read -E line', 'source -p "$PATH" file', "printf '%Q' x"],
  },
  {
    name: 'read -t',
    pattern: /\bread\s+(?:-\w+\s+)*-\w*t(?! "\$limit")/,
    since: 'no version: a trap that exits meanwhile makes bash crash while the command cleans up',
    instead: 'read_with_limit',
    examples: ['read -r -t 1 -u 5 piece || status=$?', 'read -t1 line', 'if read -rt 5 line; then'],
    right: [
      'read -r -t "$limit" "$@" || limited_status=$?',
      'read_with_limit 1 -u 5 piece',
      'read -r seen <"$STATE/epoch"',
    ],
  },
  {
    name: 'a replacement that has & or quotes of its own',
    pattern: /\$\{\w+\/[/#%]?(?:\$'[^']*'|\\.|[^/}\\])+\/(?:\\.|[^}\\])*?[&"']/,
    since: 'no version: quotes in a replacement stay in 4.2, & means the match from 5.2 on',
    instead: 'a loop over the characters, as sql_literal does',
    examples: ['"${text//x/&}"', '"${text//x/"y"}"', `"\${text//x/'y'}"`],
    right: [
      `"\${names//$'\\n'/, }"`,
      '"${words//$\'\\n\'/ }"',
      'file=$scratch/secret.${1//\\//.}',
      '${page//[[:space:]]/}',
    ],
  },
];

const coreutils: readonly NewerConstruct[] = [
  {
    name: 'sync of files',
    pattern: /(?:^|[|;&({]\s*|\b(?:as_postgres|then|do)\s+)sync\s+[^|;&)}\s>]/,
    since: 'coreutils 8.24',
    instead: 'sync without arguments, or dd conv=fsync while the file is written',
    examples: ['sync "$directory"', 'sync -f /data', 'as_postgres sync -- "$1"'],
    right: ['  sync', 'sync; mv a b'],
  },
  {
    name: 'dd status=progress',
    pattern: /\bdd\s[^|;]*status=progress/,
    since: 'coreutils 8.24',
    instead: 'status=none (8.20)',
    examples: ['dd if=a of=b status=progress'],
    right: ['dd of="$temporary" conv=fsync status=none'],
  },
  {
    name: 'od --endian',
    pattern: option('od', '--endian(?:=\\w+)?'),
    since: 'coreutils 8.23',
    instead: 'od in the order of the machine',
    examples: ['od --endian=big -tu4 file'],
    right: ['od -An -tu8 -j24 -N8 -- "$file"'],
  },
  {
    name: 'env -S, -C and its long forms',
    pattern: option(
      'env',
      '-\\w*[SC](?:\\w*)?|--split-string(?:=\\S+)?|--chdir(?:=\\S+)?|--(?:default|ignore|block)-signal(?:=\\S+)?',
    ),
    since: 'coreutils 8.28 to 8.31',
    instead: 'cd in a subshell; env NAME=value program',
    examples: ['env -C /tmp ls', 'env --default-signal=INT x', 'env -S "a b"'],
    right: ['env PGCONNECT_TIMEOUT=10 "$BIN_DIRECTORY/psql" -w -X', 'env -u HOME psql'],
  },
  {
    name: 'timeout -v',
    pattern: /\btimeout\s+(?:-\S+\s+(?:\d+\s+)?)*(?:-v|--verbose)\b/,
    since: 'coreutils 8.29',
    instead: 'timeout, whose status 124 says it',
    examples: ['timeout -v 5 x', 'timeout -k 5 --verbose 5 x'],
    right: ['timeout --foreground -k 5 10 psql -v ON_ERROR_STOP=1', 'timeout 30 psql -v x=1'],
  },
  {
    name: 'zero-terminated head, tail and cut',
    pattern: option('(?:head|tail|cut|comm|join|paste|tac|numfmt|md5sum|sha\\d+sum)', '-z|--zero-terminated|--zero'),
    since: 'coreutils 8.25 (8.30 for the checksums)',
    instead: "read -r -d ''",
    examples: ['head -z -n 1 file', 'cut -z -d: -f1'],
    right: ['sort -z', 'tail -c "+$((${log_mark:-0} + 1))" -- "$SERVER_LOG"'],
  },
  {
    name: 'programs that came later',
    pattern: program('b2sum|basenc|base32|uclampset|scriptlive|irqtop|lsns|chmem|lsmem|pidwait|openat2'),
    since: 'coreutils 8.25 to 8.31, util-linux 2.24 and later, procps-ng 4.0',
    instead: 'sha256sum, base64, runuser',
    examples: ['x=$(b2sum file)', 'as_postgres basenc --base64 x', 'base32 file'],
  },
  {
    name: 'cp, mv, ln, rm, ls, tee, date, stat, sort, wc: later options',
    pattern: new RegExp(
      [
        option('cp', '--update=\\S+|--reflink=never|--debug|--keep-directory-symlink').source,
        option('mv', '--exchange|--no-copy|--update=\\S+|--debug').source,
        option('rm', '--preserve-root=\\S+').source,
        option('ls', '--zero|--hyperlink\\S*|--time=birth|--time=creation').source,
        option('tee', '-p|--output-error\\S*').source,
        option('date', '--debug|--resolution').source,
        option('stat', '--cached=\\S+').source,
        option('wc', '--total=\\S+').source,
        option('cksum', '-a|--algorithm=\\S+').source,
        option('(?:md5sum|sha\\d+sum)', '--ignore-missing').source,
      ].join('|'),
    ),
    since: 'coreutils 8.24 to 9.5',
    instead: 'the options that 8.22 has',
    examples: [
      'cp --update=none a b',
      'mv --exchange a b',
      'tee -p log',
      'rm -r --preserve-root=all x',
      'wc --total=never',
    ],
    right: [
      'mv -fT -- "$1.new" "$1"',
      'cp -p -- "$@" "$directory.new"',
      'cp --reflink=auto a b',
      'ls -l /proc',
      'ln -r a b',
    ],
  },
];

const systems: readonly NewerConstruct[] = [
  {
    name: 'setsid --wait and --fork',
    pattern: /\bsetsid\s+(?:-\S+\s+)*(?:-\w*[wf]\w*|--wait|--fork)\b/,
    since: 'util-linux 2.24 (--wait), 2.32 (--fork)',
    instead: 'setsid from a process that leads no group: it does not fork there',
    examples: ['setsid --wait x', 'setsid -w x', 'setsid -f x'],
    right: ['as_postgres setsid env PGOPTIONS="$sql_options"', 'setsid -c x'],
  },
  {
    name: 'flock --verbose and --no-fork',
    pattern: /\bflock\s+(?:-\S+\s+|\d+\s+)*(?:-\w*F\w*|--verbose|--no-fork|--fcntl)\b/,
    since: 'util-linux 2.27 to 2.41',
    instead: 'flock with a descriptor',
    examples: ['flock --verbose 9', 'flock -F x true'],
    right: ['flock -w 30 9', 'flock -n -s "$LOCK" true', 'flock -w 0.5 9'],
  },
  {
    name: 'runuser -P, -w; unshare, nsenter, mountpoint and lsblk: later options',
    pattern: new RegExp(
      [
        option('runuser', '-P|--pty|-w|--whitelist-environment\\S*').source,
        option('unshare', '--kill-child\\S*|--propagation\\S*|--map-\\S+|-[CT]').source,
        option('nsenter', '-a|--all').source,
        option('mountpoint', '--nofollow').source,
        option('(?:lsblk|findmnt|lscpu|lsns|lslocks)', '-J|--json|--output-all').source,
        option('kill', '--timeout').source,
      ].join('|'),
    ),
    since: 'util-linux 2.27 to 2.35',
    instead: 'the options that 2.23 has',
    examples: ['runuser -u postgres --pty -- x', 'lsblk -J', 'nsenter -a -t 1 x', 'mountpoint --nofollow /x'],
    right: ['runuser -u "$OS_USER" -- "$@" 3>&- 4>&- 9>&-', 'mountpoint -q -- "$DATA"'],
  },
  {
    name: 'systemctl: later options',
    pattern: option(
      'systemctl',
      '--value|--now|--wait|-P|--check-inhibitors\\S*|--with-dependencies|--drop-in\\S*|--stdin|--show-transaction|clean|revert|service-log-level',
    ),
    since: 'systemd 220 (--now), 230 (--value), 232 (--wait), 246 (-P)',
    instead: "show -p NAME and the text after its '='; enable, then start",
    examples: [
      'systemctl show --value -p MainPID x',
      'systemctl enable --now x',
      'systemctl start --wait x',
      'systemctl show -P SubState x',
    ],
    right: [
      'systemctl show -p ActiveState -p SubState -p Job "$SERVICE_UNIT"',
      'systemctl stop --no-block "$SERVICE_UNIT" || true',
      'systemctl enable --quiet "$SERVICE_UNIT"',
    ],
  },
  {
    name: 'systemd-run and journalctl: later options',
    pattern: new RegExp(
      [
        option('systemd-run', '--wait|--pipe|-P|--collect|-G|--shell|--socket-property\\S*|--path-property\\S*').source,
        option(
          'journalctl',
          '-g|--grep\\S*|--output-fields\\S*|--no-hostname|--cursor-file\\S*|--namespace\\S*|--sync|--invocation\\S*|-I',
        ).source,
      ].join('|'),
    ),
    since: 'systemd 228 to 257',
    instead: 'journalctl -u UNIT --since @SECONDS -n N -o cat, and grep',
    examples: ['systemd-run --wait --collect x', 'journalctl -u x --grep=FATAL'],
    right: ['journalctl -u "$SERVICE_UNIT" --since "${log_since:-today}" -n 15 -o cat --no-pager 2>&1'],
  },
  {
    name: 'openssl: later options and commands',
    pattern:
      /\bopenssl\s(?:[^|;&]*\s)?(?:-addext|-noenc|-copy_extensions|-ext|-quiet|-not_before|-not_after|-pbkdf2|-iter|-rawin|-provider|-section|-starttls\s+postgres|-no-CApath|ed25519|x25519|ED25519|X25519)\b|\bopenssl\s+(?:list|storeutl|rehash|kdf|mac|fipsinstall|info|cmp)\b/,
    since: 'OpenSSL 1.1.0 to 3.0',
    instead: 'a configuration file by -config, -nodes, EC or RSA keys',
    examples: [
      'openssl req -x509 -addext "subjectAltName=IP:10.0.0.1"',
      'openssl req -noenc -newkey rsa:2048',
      'openssl x509 -noout -ext subjectAltName',
      'openssl genpkey -algorithm ed25519',
      'openssl list -digest-commands',
    ],
    right: [
      'openssl ecparam -name prime256v1 -genkey -noout -out "$directory/server.key.new"',
      'openssl x509 -noout -subject -in "$1/server.crt"',
      '-out "$directory/server.crt.new" -config <(',
    ],
  },
  {
    name: 'grep, sed, awk, find, tar: later options',
    pattern: new RegExp(
      [
        option('grep', '--no-ignore-case').source,
        option('sed', '--debug|--sandbox').source,
        option('g?awk', '-i|--include\\S*|-M|--bignum|-k|--csv|-n?l').source,
        option('find', '-files0-from').source,
        option('xargs', '-o|--open-tty|--process-slot-var\\S*').source,
        option('tar', '--zstd|--sort=\\S+|--one-top-level\\S*|--skip-old-files|--xattrs').source,
        /\b(?:typeof|mkbool)\(/.source,
      ].join('|'),
    ),
    since: 'grep 3.5, sed 4.3, gawk 4.1, findutils 4.7, tar 1.27',
    instead: 'a file beside that is renamed, and what POSIX has',
    examples: ["awk -i inplace '{ print }' file", 'sed --sandbox s/a/b/', 'tar --zstd -cf x y', 'find -files0-from x'],
    right: [
      'grep -qszxF -- "$DATA" "$entry/cmdline"',
      "sed -Ei '/^host/d' file",
      'awk -v begin="$BEGIN" \'{ print }\'',
    ],
  },
  {
    name: 'repeats in a regular expression of awk',
    pattern: /\bawk\b.*\/[^/]*[^\\$]\{\d+(?:,\d*)?\}[^/]*\//,
    since: 'mawk 1.3.4-20200717, the awk of Debian before 11',
    instead: 'the class written out, or a comparison of length()',
    examples: ["awk '/[0-9A-F]{24}/ { print }'"],
    right: ["awk '/^[0-9]+$/ { print }'"],
  },
  {
    name: 'programs that a host need not have',
    pattern: program(
      'perl|python3?|ss|netstat|lsof|fuser|jq|xxd|hexdump|find|ps|pgrep|pkill|killall|curl|wget|which|bc|rsync|hostname|ip|less',
    ),
    since: 'no version: the README promises none of them',
    instead: '/proc, od, awk, bash itself',
    examples: ['pkill postgres', 'x=$(jq .a file)', 'if which aws >/dev/null', 'find "$DATA" -name x'],
    right: ['find_server || true', 'kill -KILL "$pid"', "printf 'ps '"],
  },
];

/** All of them. */
export const newerConstructs: readonly NewerConstruct[] = [...builtins, ...coreutils, ...systems];

/** A finding, as people read it. */
export interface Finding {
  readonly line: number;
  readonly text: string;
  readonly problem: string;
}

/** Arrays that every cluster fills: its schema asks for a node, a subnet and limits. */
const filledByCluster = new Set(['NODES', 'LIMITS', 'OBSERVER_NETWORKS']);

/** Every newer construct of a script, and every array that may be empty where bash before 4.4 calls that unbound. */
export function newerConstructsIn(script: readonly string[]): Finding[] {
  return script
    .flatMap((text, index): Finding[] => {
      if (/^\s*#/.test(text)) return [];
      return newerConstructs
        .filter(({ pattern }) => pattern.test(text))
        .map(({ name, since, instead }) => ({
          line: index + 1,
          text: text.trim(),
          problem: `${name}: since ${since}; write ${instead}`,
        }));
    })
    .concat(unboundArraysIn(script))
    .toSorted((a, b) => a.line - b.line);
}

/**
 * Under `set -u` bash before 4.4 calls an empty array unbound. An expansion is right where the array has a value if it
 * is empty (`${a[@]+"${a[@]}"}`, `${a[*]-}`), or where the same function gives it an element or asks for its length.
 */
function unboundArraysIn(script: readonly string[]): Finding[] {
  let begun = 0;
  return script.flatMap((text, index): Finding[] => {
    if (/^[a-z_][a-z0-9_]*\(\) [{(]$/.test(text)) begun = index;
    if (/^\s*#/.test(text)) return [];
    const before = script.slice(begun, index + 1).join('\n');
    return [...text.matchAll(/\$\{(\w+)\[[@*]\]\}/g)]
      .filter(([, name = '']) => {
        const guarded = text.includes(`\${${name}[@]+"\${${name}[@]}"}`);
        const filled = new RegExp(`\\b${name}=\\(\\s*[^)\\s]|\\$\\{#${name}\\[@\\]\\} > 0|mapfile -t ${name} <<<`);
        return !guarded && !filledByCluster.has(name) && !filled.test(before);
      })
      .map(([, name]) => ({
        line: index + 1,
        text: text.trim(),
        problem: `an empty array is unbound before bash 4.4: write \${${name}[@]+"\${${name}[@]}"}`,
      }));
  });
}
