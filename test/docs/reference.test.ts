import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { clustersReference, errorReference, paceReference } from '../../docs/reference.ts';

it.each([
  ['docs/errors.md', errorReference],
  ['docs/clusters-json.md', clustersReference],
  ['docs/aws-pace.md', paceReference],
])('%s says what the source says (npm run reference writes it)', (file, page) => {
  expect(readFileSync(file, 'utf8')).toBe(page());
});
