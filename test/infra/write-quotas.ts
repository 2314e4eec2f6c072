/** Writes the table of quotas in docs/deploying.md: part of `npm run reference`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readAssembly } from './assembly.ts';
import { example } from './clusters.ts';
import { withQuotas } from './quotas.ts';
import { synthesize } from './synthesize.ts';
import { removeTemporaryDirectories } from './temporary-directory.ts';

const file = new URL('../../docs/deploying.md', import.meta.url);
const [stack] = readAssembly(synthesize(example));
if (stack === undefined) throw new Error('no stack');
writeFileSync(file, withQuotas(readFileSync(file, 'utf8'), stack.template));
removeTemporaryDirectories();
