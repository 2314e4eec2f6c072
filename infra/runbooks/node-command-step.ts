import { Duration } from 'aws-cdk-lib';
import { IntegrationPattern, JsonPath, TaskInput, Timeout } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { type NodeCommandName, nodeCommands } from '../../lambdas/contract/node-commands.ts';
import { commandOverheadSeconds } from '../../lambdas/contract/time-limits.ts';
import { hostBusy, lambdaBusy, lambdaBusyOrCutOff } from './retry-policies.ts';
import type { RunbookFunctions } from './runbook-functions.ts';

/** What a step sends to which node. Values that start with `$` are paths into the state's input. */
export interface NodeCommandStepProps {
  readonly functions: RunbookFunctions;
  readonly command: NodeCommandName;
  /** Path of the node's name. */
  readonly node: string;
  /** Path of the operation's epoch. */
  readonly epoch: string;
  /** Parameters of the command beyond the common ones: name → path of the value, or the value itself. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Values that are the same in every run. */
  readonly constants?: Readonly<Record<string, string>>;
  /** Seconds after which the step is given up, where the command's own limit is too long to wait. */
  readonly timeoutSeconds?: number;
  /** Whether the step ends when another command is at work on the host, for there is another way; otherwise it waits. */
  readonly endsWhenBusy?: true;
  /** Where the command's result goes. */
  readonly resultPath: string;
}

/** One box of a runbook: a command on a node, from its start to its end. */
export function nodeCommandStep(scope: Construct, name: string, props: NodeCommandStepProps): LambdaInvoke {
  const parameters = Object.fromEntries(
    Object.entries(props.parameters ?? {}).map(([key, value]) => [
      key,
      value.startsWith('$') ? JsonPath.stringAt(value) : value,
    ]),
  );
  const step = new LambdaInvoke(scope, name, {
    comment: nodeCommands[props.command].summary,
    lambdaFunction: props.functions.get('run-node-command'),
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    payload: TaskInput.fromObject({
      taskToken: JsonPath.taskToken,
      command: props.command,
      node: JsonPath.stringAt(props.node),
      epoch: JsonPath.numberAt(props.epoch),
      parameters: { ...parameters, ...props.constants },
    }),
    taskTimeout: Timeout.duration(
      Duration.seconds(
        props.timeoutSeconds ?? nodeCommands[props.command].executionTimeoutSeconds + commandOverheadSeconds,
      ),
    ),
    resultPath: props.resultPath,
    retryOnServiceExceptions: false,
  });
  // Where its time is short there is another way, which waits.
  step.addRetry(props.timeoutSeconds === undefined ? lambdaBusyOrCutOff : lambdaBusy);
  if (nodeCommands[props.command].mutating && props.endsWhenBusy !== true) step.addRetry(hostBusy);
  return step;
}
