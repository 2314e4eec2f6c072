/** What a runbook that runs means for the checker. */
import type { RunningOperation } from '../contract/alerts.ts';
import { secondsBetween } from './quantities.ts';

/** Runbooks that stop and start PostgreSQL as part of their work: what the checker sees meanwhile is meant to be. */
const disturbing: ReadonlySet<string> = new Set(['setup', 'switchover', 'failover']);

/** A runbook that takes longer than this is in trouble itself; what is wrong with the cluster is said from then on. */
const longestQuietSeconds = 10 * 60;

/** Whether nothing is to be told while this runbook runs; what is still wrong afterwards is told then. */
export function keepsQuiet(operation: RunningOperation | null, now: Date): boolean {
  return (
    operation !== null &&
    disturbing.has(operation.runbook) &&
    secondsBetween(operation.since, now) < longestQuietSeconds
  );
}
