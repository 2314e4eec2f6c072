/** The record of the last release in `released/`, and how it is written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../infra/version.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { loadClusters } from '../../lambdas/contract/load-clusters.ts';
import { readAssembly } from './assembly.ts';
import { type CompactTemplate, compactTemplate } from './compact-template.ts';
import { synthesize } from './synthesize.ts';

const directory = join(import.meta.dirname, 'released');
const templatesFile = join(directory, 'templates.json');
const versionFile = join(directory, 'version');

/** The clusters of the last release, read by the present rules: a file that was accepted must stay accepted. */
export function releasedClusters(): Cluster[] {
  return loadClusters(join(directory, 'clusters.json'));
}

/** What the last release made of its clusters, by stack. */
export function releasedTemplates(): Record<string, CompactTemplate> {
  return JSON.parse(readFileSync(templatesFile, 'utf8')) as Record<string, CompactTemplate>;
}

/** The version that the last release has. */
export function releasedVersion(): string {
  return readFileSync(versionFile, 'utf8').trim();
}

/** What the present sources make of the clusters of the last release, by stack. */
export function presentTemplates(clusters: Cluster[]): Record<string, CompactTemplate> {
  return Object.fromEntries(
    readAssembly(synthesize(...clusters)).map(({ name, template }) => [name, compactTemplate(template)]),
  );
}

/** Makes the present sources the last release: `clusters` is the text of its clusters file. */
export function recordRelease(clusters: string): void {
  writeFileSync(join(directory, 'clusters.json'), clusters);
  writeFileSync(templatesFile, `${asLines(presentTemplates(releasedClusters()))}\n`);
  writeFileSync(versionFile, `${version}\n`);
}

/** JSON with one line per resource, so that a diff of the record reads as a list of resources. */
function asLines(templates: Record<string, CompactTemplate>): string {
  const stacks = Object.entries(templates).map(([name, { Resources }]) => {
    const lines = Object.entries(Resources).map(
      ([id, resource]) => `${JSON.stringify(id)}: ${JSON.stringify(resource)}`,
    );
    return `${JSON.stringify(name)}: { "Resources": {\n${lines.join(',\n')}\n} }`;
  });
  return `{\n${stacks.join(',\n')}\n}`;
}
