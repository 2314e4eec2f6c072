/** What the end of an SSM command means for the runbook step that waits for it. */
import type { ErrorName } from '../contract/errors.ts';
import { type NodeCommandResult, nodeCommandResultSchema } from '../contract/node-commands.ts';
import { deliverySeconds, lostContactSeconds, notAfterSeconds } from '../contract/time-limits.ts';

/** An SSM command invocation, as GetCommandInvocation describes it. */
export interface Invocation {
  readonly instanceId: string;
  /** SSM's StatusDetails, such as `Success`, `Failed`, `Delivery Timed Out`, `DeliveryTimedOut`. */
  readonly statusDetails: string;
  readonly responseCode: number;
  readonly standardOutput: string;
  readonly standardError: string;
}

/** Result for SendTaskSuccess, or error and cause for SendTaskFailure; `pending` when the command still runs. */
export type CommandOutcome =
  /** `taken` when the agent has it. */
  | { readonly kind: 'pending'; readonly taken: boolean }
  | { readonly kind: 'success'; readonly result: Record<string, unknown> }
  | { readonly kind: 'failure'; readonly error: string; readonly cause: string };

/** Step Functions keeps 256 characters of an error and 32,768 of a cause. */
const longestCause = 30_000;

function failure(error: ErrorName | string, message: string, remedy: string): CommandOutcome {
  return { kind: 'failure', error: error.slice(0, 256), cause: `${message}\n${remedy}`.trim().slice(0, longestCause) };
}

/** The result line that a script ends with, or null when it did not get that far. */
function resultLine(output: string): NodeCommandResult | null {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  try {
    return nodeCommandResultSchema.parse(JSON.parse(last));
  } catch {
    return null;
  }
}

/** The end of what a command printed: where the reason of a failure stands. */
function tail(text: string): string {
  return text.trimEnd().slice(-2000);
}

/** Statuses as SSM spells them in the API (`DeliveryTimedOut`) and in the console (`Delivery Timed Out`). */
function normalized(status: string): string {
  return status.replaceAll(' ', '').toLowerCase();
}

/** @see https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html */
export function commandOutcome(invocation: Invocation): CommandOutcome {
  const { instanceId } = invocation;
  switch (normalized(invocation.statusDetails)) {
    case 'pending':
    case 'delayed':
      return { kind: 'pending', taken: false };
    case 'inprogress':
    case 'cancelling':
      return { kind: 'pending', taken: true };
    case 'deliverytimedout':
    case 'undeliverable':
      return failure(
        'HostUnreachable',
        `SSM could not deliver the command to ${instanceId} in time (${invocation.statusDetails}).`,
        'Check that the instance runs and that its SSM agent is online (Fleet Manager shows it), then start the runbook again.',
      );
    case 'executiontimedout':
    case 'timedout':
      return failure(
        'CommandTimedOut',
        `The command on ${instanceId} ran longer than its document allows.\n${tail(invocation.standardError)}`,
        'Run Command in the SSM console shows its output. Every step can be repeated: start the runbook again.',
      );
    case 'cancelled':
    case 'terminated':
      return failure(
        'CommandCancelled',
        `The command on ${instanceId} was cancelled.`,
        'Start the runbook again when it may run.',
      );
    default:
      return ended(invocation);
  }
}

/** Outcome of a command that ran to its end. */
function ended(invocation: Invocation): CommandOutcome {
  const line = resultLine(invocation.standardOutput);
  if (line?.ok === true && invocation.responseCode === 0) return { kind: 'success', result: line.result };
  if (line?.ok === false) return failure(line.error, line.message, line.remedy);
  // The agent itself adds to stderr how the script ended, so the reason may stand in either.
  const said = [invocation.standardError, invocation.standardOutput].map(tail).filter(Boolean).join('\n');
  const ending = `The command on ${invocation.instanceId} ended with status ${invocation.statusDetails} (exit code ${invocation.responseCode}) and without a result.`;
  if (said === '') {
    return failure(
      'CommandFailed',
      `${ending} It printed nothing: the SSM agent refused it, or the host lost its power meanwhile.`,
      'The agent says why in /var/log/amazon/ssm/amazon-ssm-agent.log on the host. Every step can be repeated: start the runbook again.',
    );
  }
  return failure(
    'CommandFailed',
    `${ending} It said:\n${said}`,
    'Run Command in the SSM console shows its whole output. Every step can be repeated: start the runbook again.',
  );
}

/** What is known of the instance that a command runs on. */
export interface InstanceEvidence {
  /** EC2's event that the instance stops or has stopped, if this is about one. */
  readonly gone: { readonly state: string; readonly at: Date } | null;
  /** When SSM last heard of its agent; null when SSM does not know. */
  readonly lastPing: Date | null;
}

/**
 * What a command that has not ended means, given what is known of its instance. SSM leaves it in progress until its
 * time is up, two days for a base backup, although nobody works on it any more. Should the host come back and go on,
 * it stops as soon as it sees a command of the next operation.
 *
 * @param sentAt when the command was sent; an instance that went away before has come back since
 */
export function outcomeOnInstance(
  outcome: CommandOutcome,
  instanceId: string,
  sentAt: Date,
  evidence: InstanceEvidence,
  now: Date,
): CommandOutcome {
  if (outcome.kind !== 'pending') return outcome;
  const { gone, lastPing } = evidence;
  const remedy = 'Start the instance if it is stopped, then the runbook again: it goes on where it stopped.';
  // EC2 tells the time of its event in whole seconds.
  if (gone !== null && gone.at.getTime() >= Math.floor(sentAt.getTime() / 1000) * 1000) {
    return failure(
      'HostUnreachable',
      `The instance ${instanceId} went away while the command ran: EC2 reports that it is ${gone.state}.`,
      remedy,
    );
  }
  // SSM says DeliveryTimedOut only after the execution timeout, too: for a base backup in two days. It starts the command no
  // later than its delivery timeout, and the host refuses it from then on.
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
  if (!outcome.taken && now.getTime() - sentAt.getTime() > notAfterSeconds * 1000) {
    return failure(
      'HostUnreachable',
      `SSM has not delivered the command to ${instanceId} within ${deliverySeconds} s, and does not start it any more.`,
      'Check that the instance runs and that its SSM agent is online (Fleet Manager shows it), then start the runbook again.',
    );
  }
  if (lastPing !== null && now.getTime() - Math.max(lastPing.getTime(), sentAt.getTime()) > lostContactSeconds * 1000) {
    return failure(
      'HostUnreachable',
      `SSM has not heard of ${instanceId} since ${lastPing.toISOString()}, while the command runs there.`,
      remedy,
    );
  }
  return outcome;
}
