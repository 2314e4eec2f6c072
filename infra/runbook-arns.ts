/**
 * ARNs of the runbooks, from their names: the functions' permissions need them before the runbooks exist,
 * and the runbooks need the functions.
 */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { automaticRunbooks, type RunbookName, resourceNames, runbookNames } from '../lambdas/contract/names.ts';

/** ARN of each runbook (state machine) of the cluster, or of those of these names. */
export function runbookArns(scope: Construct, cluster: string, runbooks?: readonly RunbookName[]): string[] {
  return arns(scope, cluster, 'stateMachine', runbooks);
}

/** ARNs of the runbooks that the checker may start by itself. */
export function automaticRunbookArns(scope: Construct, cluster: string): string[] {
  const automatic = runbookNames.filter((name) => automaticRunbooks.some((each) => each === name));
  return runbookArns(scope, cluster, automatic);
}

/** ARN of the cluster's runbooks up to the runbook's own name, for functions that name one in what they send. */
export function runbookArnPrefix(scope: Construct, cluster: string): string {
  return arn(scope, 'stateMachine', resourceNames(cluster).runbookPrefix);
}

/** ARN of the executions of each runbook, or of those of these names; an execution's name is known only once it runs. */
export function runbookExecutionArns(scope: Construct, cluster: string, runbooks?: readonly RunbookName[]): string[] {
  return arns(scope, cluster, 'execution', runbooks).map((arn) => `${arn}:*`);
}

function arns(
  scope: Construct,
  cluster: string,
  resource: 'stateMachine' | 'execution',
  runbooks: readonly RunbookName[] = runbookNames,
): string[] {
  return runbooks.map((runbook) => arn(scope, resource, resourceNames(cluster).runbook(runbook)));
}

function arn(scope: Construct, resource: 'stateMachine' | 'execution', resourceName: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource,
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
