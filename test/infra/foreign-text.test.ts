import { describe, expect, it } from 'vitest';
import { foreignTextIn } from './foreign-text.ts';
import { scriptSources as sources } from './script-sources.ts';

/** What is found in a function of that body, beside all libraries. */
const findingsIn = (...body: string[]) =>
  foreignTextIn([{ name: 'example.sh', text: ['f() {', ...body, '}'].join('\n') }]).map(({ text }) => text);

describe('text of others', () => {
  it('is counted with by no script', () => {
    expect(foreignTextIn(sources)).toEqual([]);
  });

  /** As they stood before take was there; each ran a command that stood in the text of the other side. */
  it.each<[where: string, ...body: string[]]>([
    ['checkpoint-primary', 'timeline=$(sql <<<"SELECT 1")', 'if ((CONTROL_TIMELINE != timeline)); then true; fi'],
    [
      'timelines: inspect-node, follow-primary',
      'read -r _ PRIMARY_TIMELINE _ <<<"$answer"',
      'if ((PRIMARY_TIMELINE == 1)); then return 0; fi',
    ],
    ['return-primary', 'read -r _ timeline _ <<<"$answer"', 'if ((timeline > 1)); then true; fi'],
    ['return-primary: names of histories', 'number=${file##*/}', 'number=$((16#${number%.history}))'],
    ['limits', "while IFS='|' read -r name running file; do", 'if ((file < 3)); then true; fi', 'done <<<"$rows"'],
    ['limits: a parameter', 'if (($2 > 0)); then LIMIT_NEEDED=$2; fi'],
    [
      'wal-positions, stop-following, promote',
      'IFS=\'|\' read -r IN_RECOVERY TIMELINE <<<"$rows"',
      'if ((number > TIMELINE)); then true; fi',
    ],
    ['wal-positions: a substitution', 'if (($(lsn_number "$left") < 3)); then true; fi'],
    ['wal-files', 'printf %s $(((16#${1:0:8} << 32) + 16#${1:8:8} * $2))'],
    ['control-data', 'mapfile -t word < <(od -An -tu4 file)', 'CONTROL_TIMELINE=$((word[12]))'],
    ['keep-diverged-wal', 'size=$(stat -c %s -- "$file")', 'if ((size < 16)); then true; fi'],
    ['guard: the epoch', 'read -r seen <"$STATE/epoch"', 'if ((10#$seen > 10#$EPOCH)); then true; fi'],
    ['disk', 'read -r blocks size <<<"$(stat -f file)"', "printf '%s' $((blocks * size))"],
  ])('is found where the scripts counted with it: %s', (_, ...body) => {
    expect(findingsIn(...body)).not.toEqual([]);
  });

  it.each([
    ['[[ $x -gt 1 ]]'],
    ['[[ x -gt 1 ]]'],
    ['[[ 1 -lt ${x#a} ]]'],
    ['[[ -v names[$x] ]]'],
    ['test -v "$x"'],
    ['echo "${list[x]}"'],
    ['list[$x]=1'],
    ['echo "${text:x}"'],
    ['echo "${text:0:$x}"'],
    ['echo $((x + 1))'],
    ['((y = x))'],
    ['for ((i = x; i < 3; i++)); do true; done'],
    ['let y=x+1'],
    ['eval "$x"'],
    ['declare -i x'],
    ['local -i x=1'],
    ['declare "$x"=1'],
    ['export "$x"'],
    ['read -r "$x"'],
    ['unset "$x"'],
    ['printf -v "$x" %s 1'],
    ['printf "$x"'],
    ['printf %d "$x"'],
    ['printf \'%(%s)T\' "$x"'],
    ['echo "${!x}"'],
    ['awk "{ print $x }" file'],
    ['sed "s/a/$x/" file'],
    ['as_postgres awk -v a="$x" "/$x/" file'],
    ['bash -c "$x"'],
    ['. "$x"'],
    ['cat <<END', '$((x))', 'END'],
    ['echo "$(echo "$((x))")"'],
    ['x=10#$y', 'echo $((x))'],
    ['y=$x', '((y > 1))'],
    ['y=1', 'if true; then y=$x; fi', '((y > 1))'],
    ['take path y "$x" what', '((y > 1))'],
    ['take lsn y "$x" what', '((y > 1))'],
    ['take lsn y "$x" what', '((10#${y%/*} > 1))'],
    ['take_row what "$x" number y text z', '((z > 1))'],
    ['take number y "$x" what', 'y+=$x', '((y > 1))'],
    ['for y in $x; do ((y > 1)); done'],
    ['mapfile -t y <<<"$x"', '((y[0] > 1))'],
    ['NODE_PORT[$x]=1', 'echo $((NODE_PORT[$x]))'],
    ['echo $((nobody_sets_this))'],
  ])('is found in %s %s', (...body) => {
    expect(findingsIn('read -r x', ...body)).not.toEqual([]);
  });

  it.each([
    ['take number y "$x" what', '((y > 1)) && [[ $y -gt 1 ]] && echo "${list[y]}" "${text:y:2}" $((y * 2))'],
    ['take lsn y "$x" what', 'echo $(((16#${y%/*} << 32) + 16#${y#*/}))'],
    ['take_row what "$x" timeline y \'number?\' z', '((y > z))'],
    ['lsn_number y "$x"', '((y > 1))'],
    ['local y=0', '((y < 3 && SECONDS < 7))'],
    ['local y=$SECONDS z', 'z=$((y + 3))', '((z > ${#x} + $#))'],
    ['echo "${NODE_PORT[$x]}" "${text%"$x"}" "${x:0:1}"'],
    ['[[ $x == "$y" && -n $x ]]'],
    ["printf -v y '%(%s)T' -1", '((y > 1))'],
    ['printf \'%s %08X\' "$x" 7'],
    ['awk -v y="$x" \'{ print y }\' "$x"'],
    ['sed -Ei \'/^host/d\' "$x"'],
    ['for ((i = 0; i < ${#x}; i++)); do echo "${x:i:1}"; done'],
    ['declare -f "$x"'],
  ])('is not found in %s %s', (...body) => {
    expect(findingsIn('read -r x', ...body)).toEqual([]);
  });

  it('is found wherever a script does without its guard', () => {
    const unguarded = sources.flatMap(({ name, text }) =>
      text.split('\n').flatMap((line, index) => {
        const [, variable, value] =
          /^\s*take (?:number|timeline|size|hex|lsn|segment) (\w+) ("(?:[^"\\]|"\$\(.*?\)")*"|"\$\([^#]*\)")/.exec(
            line,
          ) ?? [];
        if (variable === undefined || value === undefined) return [];
        const lines = text.split('\n').with(index, `${variable}=${value}`);
        const mutated = sources.map((source) => (source.name === name ? { name, text: lines.join('\n') } : source));
        return foreignTextIn(mutated).length > 0 ? [] : [`${name}: ${variable}`];
      }),
    );
    // These are only shown, or checked once more where they are counted with.
    expect(unguarded).toEqual([
      'inspect-node.sh: timeline',
      'inspect-node.sh: position',
      'inspect-node.sh: followers',
      'lib/base-backup.sh: copy_bytes',
      'lib/histories.sh: SWITCH_LSN',
      'lib/limits.sh: value',
      'lib/timelines.sh: PRIMARY_LSN',
      'lib/wal-files.sh: SEGMENT_FILE_BYTES',
    ]);
  });
});
