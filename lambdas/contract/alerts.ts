/** What is sent: one event per alert, the same for mail, chat and programs. */
import type { Evidence, Finding, Maintenance, Severity, Status } from './health.ts';

/**
 * - `opened`: first alert of an incident
 * - `worsened`: something new, or the same more severe
 * - `improved`: the critical part is over, something remains
 * - `reminder`: nothing new, still wrong
 * - `recovered`: everything is well again
 */
export const alertEventKinds = ['opened', 'worsened', 'improved', 'reminder', 'recovered'] as const;
export type AlertEventKind = (typeof alertEventKinds)[number];

/** A runbook that holds the cluster's lock. */
export interface RunningOperation {
  /** ARN of the execution. */
  readonly owner: string;
  readonly runbook: string;
  readonly since: string;
}

export interface AlertEvent {
  readonly kind: AlertEventKind;
  /** From the first alert to the recovery notice. */
  readonly incident: string;
  readonly at: string;
  /** When the trouble was first seen. */
  readonly since: string;
  readonly status: Status;
  readonly severity: Severity;
  /** What is wrong now, worst first; empty when recovered. */
  readonly findings: readonly Finding[];
  /** Keys of the findings that no earlier alert of the incident has told. */
  readonly news: readonly string[];
  /** Titles of what was told before and is over now. */
  readonly over: readonly string[];
  /** From the first sight of the trouble to its end, or to now. */
  readonly durationSeconds: number;
  readonly writes: {
    /** Writes do not go through now. */
    readonly stopped: boolean;
    /** How long they did not go through during the incident. */
    readonly stoppedSeconds: number;
  };
  readonly evidence: Evidence;
  /** The maintenance that has just ended and kept this silent. */
  readonly maintenance: Maintenance | null;
  /** The runbook that runs on the cluster at this moment. */
  readonly operation: RunningOperation | null;
}
