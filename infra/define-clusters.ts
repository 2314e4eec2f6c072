import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { ClusterStack } from './cluster-stack.ts';
import { keptBundles } from './kept-bundles.ts';
import { TemplateSize } from './template-size.ts';

/** Adds one stack per cluster to the app. A finding of cdk-nag that nobody gave a reason for fails the synthesis. */
export function defineClusters(app: App, clusters: Cluster[]): ClusterStack[] {
  const bundles = keptBundles();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new TemplateSize());
  return clusters.map((cluster) => new ClusterStack(app, cluster, bundles));
}
