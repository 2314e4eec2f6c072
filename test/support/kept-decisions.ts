/** What the runtimes of one run of the tests decided about permissions, kept for the test that comes last. */
import { cpSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** Keeps the decisions of a runtime that has ended. */
export function keepDecisions(runtimeDirectory: string): void {
  const source = join(runtimeDirectory, 'access');
  if (existsSync(source)) cpSync(source, mkdtempSync(join(inject('keptDecisions'), 'runtime-')), { recursive: true });
}

/** Directories of all that was kept. */
export function keptDecisions(): string[] {
  const root = inject('keptDecisions');
  return readdirSync(root)
    .filter((name) => name.startsWith('runtime-'))
    .map((name) => join(root, name));
}
