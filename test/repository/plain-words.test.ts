/** Tests read the words of programs, so these must be without colours wherever tests run. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import config from '../../vitest.config.ts';

test('a program that a test starts uses no colours, on a machine that calls itself CI too', () => {
  const script = "import colours from 'picocolors'; console.log(colours.green('Ready'))";
  const node = ['--input-type=module', '--eval', script];
  const said = execFileSync(process.execPath, node, { env: { ...process.env, CI: 'true' }, encoding: 'utf8' });
  expect(said).toBe('Ready\n');
});

test('and so in tests of every kind', () => {
  const kinds = (config.test?.projects ?? []) as { readonly test: { readonly name: string; readonly env?: object } }[];
  expect(kinds.length).toBeGreaterThan(4);
  for (const { test: kind } of kinds) expect(kind.env, kind.name).toEqual({ NO_COLOR: '1' });
});
