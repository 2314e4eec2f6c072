import { describe, expect, it } from 'vitest';
import { lostErrorsIn } from './lost-errors.ts';
import { ownedFilesIn } from './owned-files.ts';
import { scriptSources } from './script-sources.ts';

const inFunction = (...body: string[]) => [{ name: 'example.sh', text: ['f() {', ...body, '}'].join('\n') }];

describe('files of the PostgreSQL user', () => {
  it('are opened by no script as root', () => {
    expect(ownedFilesIn(scriptSources)).toEqual([]);
  });

  it.each([
    ['echo "$(<"$DATA/PG_VERSION")"'],
    ['read -r x <"$STATE/holder"'],
    ['exec 9<"$STATE/lock"'],
    ['echo a >"$STATE/epoch"'],
    ['echo a >>"$file"'],
    ['tail -n 10 -- "$file"'],
    ['cat "$1/backup_label"'],
    ['grep -v a -- "$DATA/postgresql.auto.conf"'],
    ['od -An -N8 -- "$1/global/pg_control"'],
    ['chown -R "$OS_USER" "$DATA"'],
    ['mv -T -- "$INCOMING_DATA" "$DATA"'],
    ['rm -rf -- "$INCOMING"'],
    ['openssl x509 -in "$1/server.crt"'],
    ['awk \'{ print }\' "$1"'],
    ['while read -r x; do true; done <"$file"'],
  ])('are found where a script opened them: %s', (line) => {
    expect(ownedFilesIn(inFunction(line))).toContainEqual({ script: 'example.sh', line: 2, text: line.trim() });
  });

  it.each([
    ['as_postgres cat "$DATA/x"'],
    ['file_text "$DATA/PG_VERSION" 20'],
    ['read -r x <"$MEMORY/epoch"'],
    ['echo a >"$scratch/failure"'],
    ['read -r name <"/proc/$pid/comm"'],
    ['grep -v "$pattern" <<<"$text"'.replace('"$pattern"', "'x'")],
    ['[[ -e $DATA/standby.signal ]]'],
  ])('are not found in %s', (line) => {
    expect(ownedFilesIn(inFunction(line))).toEqual([]);
  });

  it('may be opened by what runs as that user', () => {
    const [source] = inFunction('mv -T -- "$1" "$2"');
    const call = { name: 'call.sh', text: 'g() {\n  as_postgres_function f "$STATE" "$DATA"\n}' };
    expect(ownedFilesIn([call, ...(source ? [source] : [])])).toEqual([]);
  });
});

describe('an error that ends a command', () => {
  it('is lost in no script', () => {
    expect(lostErrorsIn(scriptSources)).toEqual([]);
  });

  const library = { name: 'lib/x.sh', text: 'look() {\n  fail Name message remedy\n}' };
  it.each([
    ['if [[ $(look) == x ]]; then true; fi'],
    ['write_file "$1" "$(look)"'],
    ['grep x <<<"$(look)"'],
    ['local x', 'while [[ -z $(look) ]]; do true; done'],
    ['g "$(look)"'],
  ])('is found where bash goes on: %s', (...body) => {
    expect(lostErrorsIn([library, ...inFunction(...body)])).toHaveLength(1);
  });

  it('is found in an assignment within a substitution, for set -e does not reach there', () => {
    const outer = { name: 'outer.sh', text: 'g() {\n  x=$(f)\n}' };
    expect(lostErrorsIn([library, outer, ...inFunction('y=$(look)', 'echo "$y"')])).toMatchObject([
      { script: 'example.sh' },
    ]);
    expect(lostErrorsIn([library, outer, ...inFunction('y=$(look) || exit', 'echo "$y"')])).toEqual([]);
  });

  it.each([['x=$(look)'], ['x=$(look) || exit'], ['take number x "$(look)" what'], ['succeed "$(look)"']])(
    'is not found in %s',
    (...body) => {
      expect(lostErrorsIn([library, ...inFunction(...body)])).toEqual([]);
    },
  );
});
