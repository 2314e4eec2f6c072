/** Where a runbook is in the console, and the command that starts it. */
export interface RunbookLinks {
  readonly console: (runbook: string) => string;
  readonly startCommand: (runbook: string, input: object) => string;
}

/** Domain of the console in the partition of a region. */
function consoleDomain(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  if (region.startsWith('us-gov-')) return 'console.amazonaws-us-gov.com';
  return `${region}.console.aws.amazon.com`;
}

/** @param arnPrefix ARN of the cluster's state machines up to the runbook's name */
export function runbookLinks(region: string, arnPrefix: string): RunbookLinks {
  return {
    console: (runbook) =>
      `https://${consoleDomain(region)}/states/home?region=${region}#/statemachines/view/${arnPrefix}${runbook}`,
    startCommand: (runbook, input) =>
      `aws stepfunctions start-execution --region ${region} --state-machine-arn ${arnPrefix}${runbook} --input '${JSON.stringify(input)}'`,
  };
}
