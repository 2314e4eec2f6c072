/**
 * The CDK app: `cdk deploy` makes every cluster of `clusters.json`, `cdk deploy -c clusters=FILE` those of another
 * file.
 */
// Must come before the CDK.
import './compile-cache.ts';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { OperatorError } from '../lambdas/contract/errors.ts';
import { loadClusters } from '../lambdas/contract/load-clusters.ts';
import { defineClusters } from './define-clusters.ts';

const app = new App({
  analyticsReporting: false,
  // Takes longer than all the rest of a synthesis. CI runs the same validator, in its strict mode, on every kind of
  // template that this app makes (test/infra/validate-assembly.ts).
  builtinCloudFormationValidation: false,
});
const file: string = app.node.tryGetContext('clusters') ?? join(import.meta.dirname, '../clusters.json');
try {
  defineClusters(app, loadClusters(file));
} catch (error) {
  // A mistake in the file is the operator's to read; anything else is ours and keeps its stack trace.
  if (!(error instanceof OperatorError)) throw error;
  console.error(error.message);
  // Ends before the app synthesizes itself.
  process.exit(1);
}
