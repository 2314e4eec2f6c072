import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const scripts = new URL('../../infra/documents/scripts/', import.meta.url).pathname;
const files = readdirSync(scripts, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sh'));

/**
 * bash goes on after `[[ $(command) ]]`, whatever becomes of the command: an error that PostgreSQL reported would pass for
 * an empty answer, and a node be promoted without what it needs. An assignment ends with the status of its command.
 */
it.each(files)('no test in %s hides that PostgreSQL refused what it was asked', (file) => {
  const lines = readFileSync(join(scripts, file), 'utf8').split('\n');
  expect(lines.filter((line) => /(?:\[\[|\(\().*\$\(sql\b/.test(line))).toEqual([]);
});
