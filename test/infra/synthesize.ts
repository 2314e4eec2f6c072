import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { defineClusters } from '../../infra/define-clusters.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8')) as {
  context: Record<string, unknown>;
};

/** An app as the CDK CLI would run it, that writes to a directory of its own. */
export function temporaryApp(): App {
  const outdir = temporaryDirectory();
  return new App({ outdir, context, analyticsReporting: false, builtinCloudFormationValidation: false });
}

/** Synthesizes the clusters; returns the directory of the assembly. */
export function synthesize(...clusters: Cluster[]): string {
  const app = temporaryApp();
  defineClusters(app, clusters);
  return app.synth().directory;
}
