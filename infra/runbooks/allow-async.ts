import { JsonPath, Pass, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { nodeCommandStep } from './node-command-step.ts';
import { standbyConnecting } from './retry-policies.ts';

/**
 * The allow-async runbook: when commits wait because standbys are missing, they may return without for a limited time.
 * The time does not run in the execution: the allowance is on record, and the checker starts `resume-sync`.
 */
export class AllowAsyncRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    const { functions } = props;
    const plan = functionStep(this, 'Plan to allow async', {
      comment: 'Refuses unless commits wait for standbys that are missing. Finds from where on they are unprotected.',
      lambdaFunction: functions.get('plan-allow-async'),
      payload: { execution: JsonPath.stringAt('$.operation.owner'), input: JsonPath.objectAt('$.operation.input') },
      resultPath: '$.plan',
    });
    const record = functionStep(this, 'Record allowance', {
      comment: 'Before anything changes, so that what follows is never without an end.',
      lambdaFunction: functions.get('record-allowance'),
      payload: { allowance: JsonPath.objectAt('$.plan.allowance') },
      resultPath: JsonPath.DISCARD,
    });
    const release = nodeCommandStep(this, 'Let commits return without standbys', {
      functions,
      command: 'set-synchronous-standbys',
      node: '$.plan.primary',
      epoch: '$.operation.epoch',
      constants: { StandbyNames: '' },
      resultPath: '$.synchronous',
    });
    const verify = functionStep(this, 'Verify that no commit waits', {
      comment: 'PostgreSQL itself lets waiting commits return. No session is cancelled.',
      lambdaFunction: functions.get('verify-replication'),
      payload: { expect: 'released', primary: JsonPath.stringAt('$.plan.primary') },
      resultPath: '$.replication',
    });
    verify.addRetry(standbyConnecting);
    const report = new Pass(this, 'Report allowance', {
      comment: 'The output of the execution.',
      parameters: {
        summary: JsonPath.objectAt('$.plan.summary'),
        primary: JsonPath.stringAt('$.plan.primary'),
        allowance: JsonPath.objectAt('$.plan.allowance'),
        replication: JsonPath.objectAt('$.replication.table'),
      },
    });
    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'allow-async',
      title: 'Allow async',
      comment: 'Lets commits return without synchronous standbys for a limited time.',
      steps: plan.next(record).next(release).next(verify).next(report),
    }).stateMachine;
  }
}
