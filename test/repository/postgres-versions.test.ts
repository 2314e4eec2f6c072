/** Tests run on the PostgreSQL that is there: what runs one takes its version and its programs from the machine. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Folders whose files run PostgreSQL. */
const folders = ['test/scenarios', 'test/documents', 'test/support', 'test/adapters', 'bench', 'local/rehearsal'];

/** Files in them that describe hosts which nobody runs. */
const descriptions = ['test/documents/clusters.ts', 'test/support/preflight-facts.ts'];

/** How a file names a version where it means the installed one. */
const namesVersion = [
  /majorVersion['"]?:\s*['"`]?1\d\b/,
  /\/usr\/(?:lib\/postgresql\/|pgsql-)1\d\b/,
  /\^1\d\\+\./,
  /10_?000\)? *===? *1\d\b/,
  /'--postgres-bin', [`'"]1\d=/,
];

const sources = folders
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => /\.(?:ts|mjs|sh)$/.test(file) && !descriptions.includes(file));

/** `file:line: text` for each line that names one. */
function named(files: readonly string[], read: (file: string) => string): string[] {
  return files.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        namesVersion.some((pattern) => pattern.test(line)) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}

it('no test names the version of the installed PostgreSQL; installedPostgres() knows it', () => {
  expect(named(sources, (file) => readFileSync(join(root, file), 'utf8'))).toEqual([]);
});

it.each([
  'notesCluster({ postgres: { majorVersion: 15 } })',
  "dataDirectory: { state: 'postgres', majorVersion: '15' },",
  "const debianBin = '/usr/lib/postgresql/15/bin';",
  "binDirectory: '/usr/pgsql-16/bin',",
  String.raw`postgresVersion: expect.stringMatching(/^15\.\d+$/),`,
  'Math.floor(version / 10_000) === 15',
  "args: ['--postgres-bin', `15=${bin}`],",
])('would find: %s', (line) => {
  expect(named(['file'], () => line)).toHaveLength(1);
});
