/** The example file of the repository, as text and as data to change. */
import { readFileSync } from 'node:fs';
import type * as z from 'zod';
import type { clustersShape } from '../../lambdas/contract/cluster-config.ts';
import { parseClusters } from '../../lambdas/contract/load-clusters.ts';

export const exampleText = readFileSync(new URL('../../clusters.json', import.meta.url), 'utf8');

/** A clusters file as a DBA writes it: defaults may be missing. */
type ClustersFile = z.input<typeof clustersShape>;
export type ClusterInFile = ClustersFile[number];

/** The example cluster, changed by `change`. */
export function exampleCluster(change: (cluster: ClusterInFile) => void = () => {}): ClusterInFile {
  const [cluster] = JSON.parse(exampleText) as ClustersFile;
  if (cluster === undefined) throw new Error('the example file has no cluster');
  change(cluster);
  return cluster;
}

/** The lines of the error that a file causes, without their line numbers; empty when it is right. */
export function problemsOf(file: unknown): string[] {
  return problemsOfText(JSON.stringify(file, undefined, 2)).map((line) => line.replace(/ \(line \d+\)$/, ''));
}

/** The same of a text, with line numbers. */
export function problemsOfText(text: string): string[] {
  try {
    parseClusters(text, 'clusters.json');
    return [];
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'InvalidClusters') throw error;
    return error.message.split('\n').slice(1, -1);
  }
}
