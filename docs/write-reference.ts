/** Writes the generated pages of the documentation: `npm run reference`. */
import { writeFileSync } from 'node:fs';
import { clustersReference, errorReference, paceReference } from './reference.ts';

writeFileSync(new URL('errors.md', import.meta.url), errorReference());
writeFileSync(new URL('clusters-json.md', import.meta.url), clustersReference());
writeFileSync(new URL('aws-pace.md', import.meta.url), paceReference());
