/** Bundles every Lambda handler in one esbuild run, so that synthesis stays fast however many functions there are. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { type HandlerName, handlerNames } from './handler-names.ts';

/** The checkout. */
export const projectDirectory = join(import.meta.dirname, '..');

/** Free variable that the bundles read the cluster's configuration from; defined in front of each cluster's copy. */
const clusterVariable = '__CLUSTER__';

/** The handlers as JavaScript, without the configuration of any cluster. */
export type FunctionBundles = ReadonlyMap<HandlerName, string>;

export interface BundledFunctions {
  readonly bundles: FunctionBundles;
  /** Paths, from the project's directory, of every file that is in one of them. */
  readonly inputs: readonly string[];
}

/**
 * Bundles all handlers for the Lambda runtime.
 *
 * `process.env.CLUSTER` becomes a variable that {@link bundleForCluster} defines: a cluster's configuration outgrows
 * the 4 KB that Lambda allows for environment variables, and one build serves every cluster of the file.
 * Output depends on the sources alone: it holds no path of this machine and no time, so asset hashes are stable.
 */
export function bundleFunctions(): BundledFunctions {
  const { outputFiles, metafile } = buildSync({
    absWorkingDir: projectDirectory,
    entryPoints: handlerNames.map((name) => ({ in: join(projectDirectory, `lambdas/handlers/${name}.ts`), out: name })),
    outdir: 'out',
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // The AWS SDK's ES modules can be tree-shaken, its CommonJS cannot.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    // Optional native driver of pg, required only by those who ask for it.
    external: ['pg-native'],
    define: { 'process.env.CLUSTER': clusterVariable },
    logLevel: 'warning',
  });
  const bundles = new Map(outputFiles.map((file) => [basename(file.path, '.js') as HandlerName, file.text]));
  return { bundles, inputs: Object.keys(metafile.inputs) };
}

/** The bundle of one function as it runs for one cluster. */
export function bundleForCluster(bundles: FunctionBundles, handler: HandlerName, cluster: Cluster): string {
  const source = bundles.get(handler);
  if (source === undefined) throw new Error(`no bundle for ${handler}`);
  if (!source.includes(clusterVariable)) return source;
  return `"use strict";var ${clusterVariable}=${JSON.stringify(JSON.stringify(cluster))};\n${source}`;
}

/**
 * Hands the code of one function to the CDK as a directory with `index.js`.
 * The directory is gone when this returns, so `use` must stage it (`new lambda.Function` does).
 */
export function withFunctionCode<T>(
  bundles: FunctionBundles,
  handler: HandlerName,
  cluster: Cluster,
  use: (code: Code) => T,
): T {
  const directory = join(mkdtempSync(join(tmpdir(), 'function-')), handler);
  try {
    mkdirSync(directory);
    writeFileSync(join(directory, 'index.js'), bundleForCluster(bundles, handler, cluster), { mode: 0o644 });
    // Says that index.js is CommonJS also to a Node.js that finds it below this project's own package.json.
    writeFileSync(join(directory, 'package.json'), '{"type":"commonjs"}', { mode: 0o644 });
    return use(Code.fromAsset(directory));
  } finally {
    rmSync(dirname(directory), { recursive: true, force: true });
  }
}
