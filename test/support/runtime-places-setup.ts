/** Global setup of the scenarios: a directory for the runtimes of this run, during which no source changes. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of all places of this run. */
    runtimePlaces: string;
  }
}

/** Makes it; returns what removes it. */
export default function setup(project: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), 'runtimes-'));
  // The PostgreSQL user passes through.
  chmodSync(root, 0o755);
  project.provide('runtimePlaces', root);
  return () => rmSync(root, { recursive: true, force: true });
}
