/** The sources of the scripts for hosts, with their libraries. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScriptSource } from './foreign-text.ts';

const directory = join(import.meta.dirname, '../../infra/documents/scripts');

/** Every one, by its path below `infra/documents/scripts`. */
export const scriptSources: readonly ScriptSource[] = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sh'))
  .map((name) => ({ name, text: readFileSync(join(directory, name), 'utf8') }));
