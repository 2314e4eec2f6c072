/**
 * Observes and judges many clusters at once in one process, as a checker for all of them would: program of its own,
 * so that its memory can be told. Reads clusters and credentials from a file, prints figures.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { observeNodes } from '../lambdas/adapters/postgres-observer.ts';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { emptyMemory } from '../lambdas/domain/checker-memory.ts';
import { assess } from '../lambdas/domain/health.ts';

export interface ObserveManyInput {
  readonly clusters: readonly Cluster[];
  readonly credentials: { readonly user: string; readonly password: string };
}

export interface ObserveManyFigures {
  /** From the first connection to the last verdict. */
  readonly seconds: number;
  /** Of each cluster, from the common start. */
  readonly secondsOfClusters: readonly number[];
  readonly megabytes: number;
  /** Clusters by what was found: findings' kinds and nodes, in one string. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly openSockets: number;
}

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node bench/observe-many.ts FILE');
const { clusters, credentials }: ObserveManyInput = JSON.parse(readFileSync(file, 'utf8'));

const started = performance.now();
const seen = await Promise.all(
  clusters.map(async (cluster) => {
    const nodes = await observeNodes(cluster, credentials);
    const { status, findings } = assess(cluster, { nodes }, emptyMemory, new Date());
    const found = findings.map(({ kind, title }) => `${kind} (${title})`);
    return { verdict: [status, ...found].join(', '), seconds: (performance.now() - started) / 1000 };
  }),
);
const seconds = (performance.now() - started) / 1000;
// What was closed a moment ago is gone with the next turn of the event loop.
await pause(100);
const figures: ObserveManyFigures = {
  seconds,
  secondsOfClusters: seen.map(({ seconds }) => seconds),
  megabytes: process.resourceUsage().maxRSS / 1024,
  verdicts: Object.fromEntries(
    [...Map.groupBy(seen, ({ verdict }) => verdict)].map(([verdict, all]) => [verdict, all.length]),
  ),
  openSockets: process.getActiveResourcesInfo().filter((name) => /^(?:TCPSocketWrap|TLSWrap)$/.test(name)).length,
};
console.log(JSON.stringify(figures));
