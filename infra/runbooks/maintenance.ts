import { Duration } from 'aws-cdk-lib';
import { DefinitionBody, JsonPath, LogLevel, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { ErrorName } from '../../lambdas/contract/errors.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { functionStep } from './function-step.ts';
import type { RunbookProps } from './locked-runbook.ts';
import { refusal } from './refusal.ts';

/**
 * The maintenance runbook: silences the alerts for a time. It touches no host, so it needs no lock and can be started
 * while another runbook runs.
 */
export class MaintenanceRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, { cluster, functions, logGroup }: RunbookProps) {
    super(scope, id);
    const set = functionStep(this, 'Set maintenance', {
      comment:
        'From now until its end no alert is sent and nothing starts by itself. The subscribers are told so, and why.',
      lambdaFunction: functions.get('set-maintenance'),
      payload: { input: JsonPath.objectAt('$') },
      resultPath: '$',
    });
    const refusals: ErrorName[] = ['InvalidInput'];
    set.addCatch(refusal(this, 'Maintenance', 'the input is wrong'), { errors: refusals, resultPath: '$.failure' });
    this.stateMachine = new StateMachine(this, 'Resource', {
      stateMachineName: resourceNames(cluster.name).runbook('maintenance'),
      stateMachineType: StateMachineType.STANDARD,
      comment: 'Silences the alerts for a time; what is wrong when it ends is told then.',
      definitionBody: DefinitionBody.fromChainable(set),
      timeout: Duration.minutes(10),
      tracingEnabled: true,
      logs: { destination: logGroup, level: LogLevel.ERROR, includeExecutionData: false },
    });
  }
}
