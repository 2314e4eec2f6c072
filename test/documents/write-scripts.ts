/** Writes the scripts of all command documents as hosts run them, with their comments, for shellcheck: into DIRECTORY. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandScript } from '../../infra/documents/command-documents.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { clusterOf, facts } from './clusters.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: write-scripts.ts DIRECTORY');
for (const command of nodeCommandNames) {
  const script = commandScript(clusterOf(), facts, command, { comments: true });
  writeFileSync(join(directory, `${command}.sh`), `${script.join('\n')}\n`);
}
