import { Choice, Condition, JsonPath, Pass, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { nodeCommandStep } from './node-command-step.ts';
import { standbyConfirming, standbyConnecting } from './retry-policies.ts';

/**
 * The resume-sync runbook: commits wait for standbys again, for the present topology. The checker starts it when
 * enough standbys have caught up, or when the time that `allow-async` gave is over.
 */
export class ResumeSyncRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    const { functions } = props;
    const plan = functionStep(this, 'Plan to resume sync', {
      comment: 'Refuses when writes would block, unless the allowance is over or the input asks for that.',
      lambdaFunction: functions.get('plan-resume-sync'),
      payload: { input: JsonPath.objectAt('$.operation.input') },
      resultPath: '$.plan',
    });
    const restore = nodeCommandStep(this, 'Restore synchronous standbys', {
      functions,
      command: 'set-synchronous-standbys',
      node: '$.plan.primary',
      epoch: '$.operation.epoch',
      parameters: { StandbyNames: '$.plan.synchronousStandbyNames' },
      resultPath: '$.synchronous',
    });
    const forget = functionStep(this, 'Remove allowance', {
      comment: 'Nothing may commit without standbys any more.',
      lambdaFunction: functions.get('record-allowance'),
      payload: { remove: true },
      resultPath: JsonPath.DISCARD,
    });
    const verify = functionStep(this, 'Verify that standbys confirm commits', {
      comment: 'By LSN: "sync" in the view alone does not mean caught up.',
      lambdaFunction: functions.get('verify-replication'),
      payload: { expect: 'synchronous', primary: JsonPath.stringAt('$.plan.primary') },
      resultPath: '$.replication',
    });
    verify.addRetry(standbyConnecting);
    verify.addRetry(standbyConfirming);
    const report = new Pass(this, 'Report return', {
      comment: 'The output of the execution.',
      parameters: {
        summary: JsonPath.objectAt('$.plan.summary'),
        primary: JsonPath.stringAt('$.plan.primary'),
        synchronousStandbyNames: JsonPath.stringAt('$.plan.synchronousStandbyNames'),
        writesBlock: JsonPath.objectAt('$.plan.writesBlock'),
      },
    });
    const confirmed = new Choice(this, 'Are there standbys to wait for?', {
      comment: 'At the end of the allowance there may be none: then writes block until one streams.',
    })
      .when(Condition.booleanEquals('$.plan.writesBlock', true), report)
      .otherwise(verify.next(report));
    forget.next(confirmed);
    const needed = new Choice(this, 'Is the rule in force already?', {
      comment: 'As after a failover, or when allow-async failed: then only the allowance has to go.',
    })
      .when(Condition.booleanEquals('$.plan.inForce', true), forget)
      .otherwise(restore.next(forget));
    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'resume-sync',
      title: 'Resume sync',
      comment: 'Makes commits wait for synchronous standbys again.',
      steps: plan.next(needed),
    }).stateMachine;
  }
}
