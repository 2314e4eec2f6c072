/** Addresses of a cluster's resources in the AWS console. */
import { consoleOrigin } from '../lambdas/contract/console.ts';

/** Where a state machine's executions are, and the button that starts one. */
export function stateMachineLink(region: string, stateMachineArn: string): string {
  return `${consoleOrigin(region)}/states/home?region=${region}#/statemachines/view/${stateMachineArn}`;
}

export function dashboardLink(region: string, dashboardName: string): string {
  return `${consoleOrigin(region)}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}

/** What a function has logged. */
export function functionLogLink(region: string, functionName: string): string {
  // The console's own encoding of a name in the fragment.
  const group = encodeURIComponent(`/aws/lambda/${functionName}`).replaceAll('%', '$25');
  return `${consoleOrigin(region)}/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${group}`;
}
