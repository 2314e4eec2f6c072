/** Keeps what was bundled last, for the next synthesis: to bundle takes about as long as all the rest of one. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundleFunctions, type FunctionBundles, projectDirectory } from './bundle-functions.ts';
import type { HandlerName } from './handler-names.ts';

/** Bundles, and the contents of every file that they were made of or by. */
interface Kept {
  /** SHA-256 by path from the project's directory. */
  readonly files: Readonly<Record<string, string>>;
  readonly source: Readonly<Record<HandlerName, string>>;
}

/** What decides over the bundles beside the sources. */
const madeBy = [
  'infra/bundle-functions.ts',
  'infra/handler-names.ts',
  'node_modules/esbuild/package.json',
  'tsconfig.json',
];

/** Nothing where there is no such file. */
function hashOf(path: string): string | undefined {
  try {
    return createHash('sha256')
      .update(readFileSync(join(projectDirectory, path)))
      .digest('hex');
  } catch {
    return undefined;
  }
}

function read(file: string): Kept | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}

/** Where nothing can be written, nothing is kept. */
function write(file: string, kept: Kept): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(unfinished, JSON.stringify(kept));
    renameSync(unfinished, file);
  } catch {
    // It is as fast as before.
  }
}

/** The bundles of all handlers: those of the last time as long as no file that they depend on has changed. */
export function keptBundles(
  file = join(projectDirectory, 'node_modules/.cache/function-bundles.json'),
): FunctionBundles {
  const kept = read(file);
  if (kept !== undefined && Object.entries(kept.files).every(([path, hash]) => hashOf(path) === hash)) {
    return new Map(Object.entries(kept.source)) as FunctionBundles;
  }
  const { bundles, inputs } = bundleFunctions();
  // What esbuild leaves out on purpose is no file.
  const files = [...madeBy, ...inputs].flatMap((path) => {
    const hash = hashOf(path);
    return hash === undefined ? [] : [[path, hash] as const];
  });
  write(file, { files: Object.fromEntries(files), source: Object.fromEntries(bundles) as Kept['source'] });
  return bundles;
}
