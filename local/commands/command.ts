/** Commands of SSM Run Command and their runs, as the service keeps them and an agent gets them. */
import type { CommandDocument } from './documents.ts';

export type InvocationStatus =
  | 'Pending'
  | 'InProgress'
  | 'Success'
  | 'Cancelled'
  | 'Failed'
  | 'TimedOut'
  | 'Cancelling';

/** What a command is asked for. */
export interface CommandRequest {
  readonly documentName: string;
  /** As it was asked for: `$DEFAULT`, `$LATEST`, or a number. */
  readonly documentVersion: string;
  readonly instanceIds: readonly string[];
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly comment: string;
  /** Delivery timeout. */
  readonly timeoutSeconds: number;
  readonly logGroup: string | undefined;
}

/** One instance's run of a command. */
export interface Invocation {
  readonly instanceId: string;
  readonly instanceName: string;
  status: InvocationStatus;
  /** More exact than the status: `DeliveryTimedOut`, `ExecutionTimedOut`. */
  statusDetails: string;
  responseCode: number;
  started: Date | undefined;
  ended: Date | undefined;
  readonly stdoutPath: string;
  readonly stderrPath: string;
}

/** A command as sent. */
export interface Command extends CommandRequest {
  readonly id: string;
  readonly document: CommandDocument;
  readonly requested: Date;
  /** After this an invocation that has not started never starts. */
  readonly expires: Date;
  readonly region: string;
  readonly invocations: readonly Invocation[];
}

/** How an invocation ended. */
export interface InvocationEnd {
  readonly status: InvocationStatus;
  readonly statusDetails: string;
  readonly responseCode: number;
}

/** Exit code that the agent reports for a command that it has killed; a script that ends in it counts as timed out. */
export const killedResponseCode = 137;

/** The ends that have no exit code of a script. */
export const ends = {
  notDelivered: { status: 'TimedOut', statusDetails: 'DeliveryTimedOut', responseCode: -1 },
  refused: { status: 'Failed', statusDetails: 'Failed', responseCode: -1 },
  withdrawn: { status: 'Cancelled', statusDetails: 'Cancelled', responseCode: -1 },
  cancelled: { status: 'Cancelled', statusDetails: 'Cancelled', responseCode: killedResponseCode },
  timedOut: { status: 'TimedOut', statusDetails: 'ExecutionTimedOut', responseCode: killedResponseCode },
  broken: { status: 'Failed', statusDetails: 'Failed', responseCode: 1 },
} as const satisfies Record<string, InvocationEnd>;

/** The end of a script that ended by itself. */
export function endOfScript(responseCode: number): InvocationEnd {
  if (responseCode === killedResponseCode) return ends.timedOut;
  const status = responseCode === 0 ? 'Success' : 'Failed';
  return { status, statusDetails: status, responseCode };
}

/** Statuses that do not change any more. */
const finalStatuses: readonly InvocationStatus[] = ['Success', 'Cancelled', 'Failed', 'TimedOut'];

export const hasEnded = ({ status }: Invocation): boolean => finalStatuses.includes(status);
