/** Named retry policies of the runbooks, with the waiting time that each adds up to. */
import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { ErrorName } from '../../lambdas/contract/errors.ts';
import { instanceStopSeconds } from '../../lambdas/contract/time-limits.ts';

const errors = (...names: ErrorName[]): string[] => names;

/** Lambda itself was busy or failed to start: 1 + 2 + 4 + 8 + 16 = 31 s at most (with full jitter, less). */
export const lambdaBusy: RetryProps = {
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
    'Lambda.ClientExecutionTimeoutException',
  ],
  interval: Duration.seconds(1),
  maxAttempts: 5,
  backoffRate: 2,
  jitterStrategy: JitterType.FULL,
};

/**
 * The same, or a function was cut off at its timeout and nothing says how far it came: every step may be repeated. Step
 * Functions has two names for that (https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html;
 * the newer one is Lambda's own). With up to 30 s inside the function it adds up to 181 s.
 */
export const lambdaBusyOrCutOff: RetryProps = {
  ...lambdaBusy,
  errors: [...(lambdaBusy.errors ?? []), 'Lambda.Unknown', 'Sandbox.Timedout'],
};

/** A check that could not be completed is tried again: 2 × (1 s + up to 30 s inside the function) = 62 s. */
export const checkFailing: RetryProps = {
  errors: ['States.TaskFailed'],
  interval: Duration.seconds(1),
  maxAttempts: 2,
  backoffRate: 1,
};

/** A command of an earlier operation is about to stop: 6 × (5 s + up to 30 s inside the command) = 210 s. */
export const hostBusy: RetryProps = {
  errors: errors('HostBusy'),
  interval: Duration.seconds(5),
  maxAttempts: 6,
  backoffRate: 1,
};

/** A standby that was just started connects: 5 × (1 s + up to 20 s inside the function) = 105 s. */
export const standbyConnecting: RetryProps = {
  errors: errors('StandbyNotStreaming', 'ClusterUnobservable'),
  interval: Duration.seconds(1),
  maxAttempts: 5,
  backoffRate: 1,
};

/** A standby that receives WAL gets there in the end: 700 × (10 s + up to 20 s inside the function) ≈ 5.8 h. */
export const standbyCatchingUp: RetryProps = {
  errors: errors('StandbyCatchingUp', 'StandbyNotCaughtUp'),
  interval: Duration.seconds(10),
  maxAttempts: 700,
  backoffRate: 1,
};

/** A standby that was started replays what WAL it has before it connects: 36 × (10 s + up to 9 min in the command) ≈ 5.5 h. */
export const standbyReplaying: RetryProps = {
  errors: errors('StandbyCatchingUp'),
  interval: Duration.seconds(10),
  maxAttempts: 36,
  backoffRate: 1,
};

/** Standbys that were seen caught up confirm what was committed since: 3 × (1 s + up to 20 s inside the function) = 63 s. */
export const standbyConfirming: RetryProps = {
  errors: errors('StandbyNotCaughtUp'),
  interval: Duration.seconds(1),
  maxAttempts: 3,
  backoffRate: 1,
};

/** EC2 takes its time to stop an instance: so many × (1 s + up to 20 s inside the function). */
export const instanceStopping: RetryProps = {
  errors: errors('InstanceNotStopped'),
  interval: Duration.seconds(1),
  maxAttempts: Math.ceil(instanceStopSeconds / (1 + 20)),
  backoffRate: 1,
};

/** Standbys that were just pointed to a new primary: 2 × (1 s + up to 20 s inside the function) = 42 s. */
export const standbyRepointed: RetryProps = {
  errors: errors('StandbyNotStreaming', 'StandbyCatchingUp', 'StandbyNotCaughtUp', 'ClusterUnobservable'),
  interval: Duration.seconds(1),
  maxAttempts: 2,
  backoffRate: 1,
};
