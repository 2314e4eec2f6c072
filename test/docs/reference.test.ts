import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { clustersReference, errorReference } from '../../docs/reference.ts';

it.each([
  ['docs/errors.md', errorReference],
  ['docs/clusters-json.md', clustersReference],
])('%s says what the contract says (npm run reference writes it)', (file, page) => {
  expect(readFileSync(file, 'utf8')).toBe(page());
});
