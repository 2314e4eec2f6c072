import { createHash } from 'node:crypto';
import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalCluster, postgresHome } from './host-access.ts';

/** What a running PostgreSQL changes by itself, whatever anybody asks of it. */
const changedByPostgres =
  /\/(?:base|global|pg_[a-z_]+|log|postmaster\.(?:pid|opts)|postgresql\.log|current_logfiles)(?:\/|$)/;

/**
 * Everything below a directory: path → kind, mode, owner and content hash of each entry, without what a running
 * PostgreSQL changes by itself. Two snapshots are equal when nobody has changed anything in between.
 */
export function treeSnapshot(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => !changedByPostgres.test(join(entry.parentPath, entry.name).slice(directory.length)))
      .map((entry) => describe(entry))
      .sort(),
  );
}

/** What setup and PostgreSQL keep on all hosts of a cluster, as a snapshot. */
export function hostsSnapshot(cluster: LocalCluster): Map<string, string> {
  return new Map(cluster.nodes.flatMap((node) => [...treeSnapshot(postgresHome(cluster, node))]));
}

function describe(entry: Dirent): [string, string] {
  const path = join(entry.parentPath, entry.name);
  const { mode, uid } = lstatSync(path);
  const content = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
  return [path, `${mode.toString(8)} ${uid} ${content}`];
}

/** Paths that differ between two snapshots. */
export function treeDifference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}
