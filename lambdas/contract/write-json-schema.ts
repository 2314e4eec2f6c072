/** Writes `clusters.schema.json`, with which editors complete and check `clusters.json`: `npm run schema`. */
import { writeFileSync } from 'node:fs';
import { clustersJsonSchema } from './cluster-config.ts';

writeFileSync(
  new URL('../../clusters.schema.json', import.meta.url),
  `${JSON.stringify(clustersJsonSchema(), undefined, 2)}\n`,
);
