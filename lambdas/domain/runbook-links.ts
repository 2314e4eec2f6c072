/** Where a runbook is in the console, and the command that starts it. */
import { consoleOrigin } from '../contract/console.ts';
import { shellWord } from './mail-text.ts';

export interface RunbookLinks {
  readonly console: (runbook: string) => string;
  readonly execution: (arn: string) => string;
  readonly startCommand: (runbook: string, input: object) => string;
}

/** @param arnPrefix ARN of the cluster's state machines up to the runbook's name */
export function runbookLinks(region: string, arnPrefix: string): RunbookLinks {
  return {
    console: (runbook) =>
      `${consoleOrigin(region)}/states/home?region=${region}#/statemachines/view/${arnPrefix}${runbook}`,
    execution: (arn) => `${consoleOrigin(region)}/states/home?region=${region}#/v2/executions/details/${arn}`,
    startCommand: (runbook, input) =>
      `aws stepfunctions start-execution --region ${region} --state-machine-arn ${arnPrefix}${runbook} --input ${shellWord(JSON.stringify(input))}`,
  };
}
