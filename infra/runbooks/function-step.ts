import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { TaskInput, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { functionStepSeconds } from '../../lambdas/contract/time-limits.ts';
import { lambdaBusyOrCutOff } from './retry-policies.ts';

/** A decision or a look at the cluster, taken by a function. */
export interface FunctionStepProps {
  readonly comment: string;
  readonly lambdaFunction: IFunction;
  readonly payload: Record<string, unknown>;
  readonly resultPath: string;
  /** Seconds after which the step is given up, where there is another way; it is then tried once. */
  readonly onceWithinSeconds?: number;
}

/** One box of a runbook: a call of a function, whose answer goes to `resultPath`. */
export function functionStep(scope: Construct, name: string, props: FunctionStepProps): LambdaInvoke {
  const step = new LambdaInvoke(scope, name, {
    comment: props.comment,
    lambdaFunction: props.lambdaFunction,
    payload: TaskInput.fromObject(props.payload),
    payloadResponseOnly: true,
    taskTimeout: Timeout.duration(Duration.seconds(props.onceWithinSeconds ?? functionStepSeconds)),
    resultPath: props.resultPath,
    retryOnServiceExceptions: false,
  });
  if (props.onceWithinSeconds === undefined) step.addRetry(lambdaBusyOrCutOff);
  return step;
}
