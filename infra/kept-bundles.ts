/** Keeps what was bundled last, for the next synthesis: to bundle takes about as long as all the rest of one. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { type BundledFunctions, bundleFunctions, type FunctionBundles, projectDirectory } from './bundle-functions.ts';
import { handlerNames } from './handler-names.ts';

/** Bundles, and the contents of every file that they were made of or by. */
const keptSchema = z.object({
  /** SHA-256 by path from the project's directory. */
  files: z.record(z.string(), z.string()),
  source: z.record(z.enum(handlerNames), z.string()),
});
type Kept = z.infer<typeof keptSchema>;

/** What decides over the bundles beside the sources. */
const madeBy = [
  'infra/bundle-functions.ts',
  'infra/handler-names.ts',
  // Which copy of a package is found where.
  'node_modules/.package-lock.json',
  'tsconfig.json',
];

/** Whether a file was written at that time or later, in milliseconds since 1970; one that is not there was not. */
function isWrittenSince(path: string, time: number): boolean {
  const stat = statSync(join(projectDirectory, path), { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs >= time;
}

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
    return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
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
  bundle: () => BundledFunctions = bundleFunctions,
): FunctionBundles {
  const kept = read(file);
  if (kept !== undefined && Object.entries(kept.files).every(([path, hash]) => hashOf(path) === hash)) {
    return new Map(handlerNames.map((name) => [name, kept.source[name]]));
  }
  // File systems date by a coarser clock than this one.
  const started = Date.now() - 1000;
  const { bundles, inputs } = bundle();
  const paths = [...madeBy, ...inputs];
  // Nobody knows which contents of a file are in them that somebody saved meanwhile.
  if (paths.some((path) => isWrittenSince(path, started))) return bundles;
  // What esbuild leaves out on purpose is no file.
  const files = paths.flatMap((path) => {
    const hash = hashOf(path);
    return hash === undefined ? [] : [[path, hash] as const];
  });
  write(file, { files: Object.fromEntries(files), source: Object.fromEntries(bundles) as Kept['source'] });
  return bundles;
}
