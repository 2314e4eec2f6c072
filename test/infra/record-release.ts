/** `npm run record-release`: from now on the tests compare with the present sources. For the one who makes a release. */
import { readFileSync } from 'node:fs';
import { everyOptionFile, exampleFile } from './clusters.ts';
import { recordRelease } from './release.ts';
import { removeTemporaryDirectories } from './temporary-directory.ts';

const [example, everyOption] = [readFileSync(exampleFile, 'utf8'), everyOptionFile].map(
  (text) => JSON.parse(text) as unknown[],
);
recordRelease(`${JSON.stringify([...(example ?? []), ...(everyOption ?? [])], undefined, 2)}\n`);
console.log('test/infra/released holds the present sources; empty test/infra/accepted-changes.ts.');
removeTemporaryDirectories();
