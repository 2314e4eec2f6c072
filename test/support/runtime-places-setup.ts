/**
 * Global setup of the scenarios: a directory for the runtimes of this run, during which no source changes, and one for
 * what they decided about permissions, which the projects of one run share.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of all places of this run. */
    runtimePlaces: string;
    /** Directory of the decisions of all runtimes of this run. */
    keptDecisions: string;
  }
}

/** Makes it; returns what removes it. */
export default function setup(project: TestProject): () => void {
  const root = mkdtempSync(join(tmpdir(), 'runtimes-'));
  // The PostgreSQL user passes through.
  chmodSync(root, 0o755);
  project.provide('runtimePlaces', root);
  // Set from outside it is kept, so that files can be run one by one and judged together.
  const isOwn = process.env.KEPT_DECISIONS === undefined;
  process.env.KEPT_DECISIONS ??= mkdtempSync(join(tmpdir(), 'decisions-'));
  const decisions = process.env.KEPT_DECISIONS;
  project.provide('keptDecisions', decisions);
  return () => {
    rmSync(root, { recursive: true, force: true });
    if (isOwn) rmSync(decisions, { recursive: true, force: true });
  };
}
