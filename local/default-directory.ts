import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Every directory from `path` up to the root lets users in whom it does not know. */
function letsOthersIn(path: string): boolean {
  const parent = dirname(path);
  return (statSync(path).mode & 0o001) !== 0 && (parent === path || letsOthersIn(parent));
}

/**
 * Where a runtime keeps everything when nobody says: `.local` in the checkout. Root's home usually lets nobody else in;
 * the PostgreSQL user could not work in a checkout there, so root gets a directory beside the temporary ones.
 */
export function defaultDirectory(checkout: string): string {
  if (process.getuid?.() !== 0 || letsOthersIn(resolve(checkout))) return join(checkout, '.local');
  return join(tmpdir(), 'local-runtime');
}
