import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { clustersJsonSchema } from '../../lambdas/contract/cluster-config.ts';

it('clusters.schema.json is up to date (npm run schema)', () => {
  const written: unknown = JSON.parse(readFileSync(new URL('../../clusters.schema.json', import.meta.url), 'utf8'));
  expect(written).toEqual(clustersJsonSchema());
});
