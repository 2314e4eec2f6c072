import { Choice, Condition, Fail, JsonPath, Pass, Result, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { ErrorName } from '../../lambdas/contract/errors.ts';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { concludingSteps, epoch, followSteps, onNodes } from './promotion-steps.ts';

/**
 * Ends of `promote` after which the old primary may return. Most come before the promotion. A host that went away may
 * have been promoted in its last moment, and acknowledged nothing: its rule asks for standbys, and nobody followed yet.
 * The old primary does not start where another node is seen on a later timeline.
 */
const mayReturn: ErrorName[] = [
  'StandbyLacksWal',
  'HostUnreachable',
  'InstanceUnknownToSsm',
  'PostgresNotAnswering',
  'ConfigurationRefused',
  'CommandLate',
  'EpochImplausible',
  'HostBusy',
  'StartFailed',
];

/**
 * The switchover runbook: the primary stops cleanly, so that its standbys have everything, and one of them is promoted.
 * Until then everything can go back to as it was.
 */
export class SwitchoverRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    const onNode = onNodes(this, props);

    const plan = functionStep(this, 'Plan switchover', {
      comment: 'Refuses unless the cluster is healthy and the node fit to be the primary.',
      lambdaFunction: props.functions.get('plan-switchover'),
      payload: { input: JsonPath.objectAt('$.operation.input') },
      resultPath: '$.plan',
    });
    const prepare = onNode('Prepare new primary', {
      command: 'prepare-promotion',
      node: '$.plan.to',
      epoch,
      parameters: { StandbyNames: '$.plan.standbyNames' },
      resultPath: '$.prepared',
    });
    const stop = onNode('Stop old primary', {
      command: 'fence-primary',
      node: '$.plan.from',
      epoch,
      constants: { Mode: 'clean' },
      resultPath: '$.stopped',
    });
    const promote = onNode('Promote', {
      command: 'promote',
      node: '$.plan.to',
      epoch,
      parameters: { StandbyNames: '$.plan.standbyNames', MinimumLsn: '$.stopped.lastCheckpointLsn' },
      resultPath: '$.promoted',
    });
    const unhealthy = new Fail(this, 'Primary is not running', {
      error: 'ClusterNotHealthy' satisfies ErrorName,
      causePath: JsonPath.stringAt('$.failure.Cause'),
    });
    stop.addCatch(unhealthy, { errors: ['PrimaryNotRunning' satisfies ErrorName], resultPath: '$.failure' });

    const abandoned = this.abandoned(
      'Back to where it began',
      JsonPath.format(
        '{} is the primary again. The switchover was abandoned because of {}: {}',
        JsonPath.stringAt('$.plan.from'),
        JsonPath.stringAt('$.failure.Error'),
        JsonPath.stringAt('$.failure.Cause'),
      ),
    );
    const stranded = this.abandoned(
      'Old primary did not return',
      JsonPath.format(
        'There may be no primary. The switchover was abandoned because of {}: {} - {} could not be started again: {}: {} - Start the switchover again, or fail over.',
        JsonPath.stringAt('$.failure.Error'),
        JsonPath.stringAt('$.failure.Cause'),
        JsonPath.stringAt('$.plan.from'),
        JsonPath.stringAt('$.notReturned.Error'),
        JsonPath.stringAt('$.notReturned.Cause'),
      ),
    );
    const back = onNode('Return to old primary', {
      command: 'return-primary',
      node: '$.plan.from',
      epoch,
      constants: { Start: 'yes' },
      resultPath: '$.returned',
    });
    back.addCatch(stranded, { resultPath: '$.notReturned' });
    back.next(abandoned);
    stop.addCatch(back, { resultPath: '$.failure' });
    const unfinished = new Fail(this, 'Not finished', {
      errorPath: JsonPath.stringAt('$.failure.Error'),
      causePath: JsonPath.stringAt('$.failure.Cause'),
    });
    const canReturn = new Choice(this, 'Can the old primary return', {
      comment: 'Not when the new one was promoted by an earlier run.',
    })
      .when(Condition.stringEquals('$.plan.mode', 'finish'), unfinished)
      .otherwise(back);
    promote.addCatch(canReturn, { errors: mayReturn, resultPath: '$.failure' });

    const follow = followSteps(this, onNode, { nodes: '$.plan.followers', primary: '$.plan.to' });
    const conclude = concludingSteps(this, props, {
      runbook: 'switchover',
      primary: '$.plan.to',
      report: { plan: JsonPath.objectAt('$.plan') },
    });
    promote.next(follow).next(conclude);
    const goOn = new Pass(this, 'Go on with an earlier switchover', {
      comment: 'The node was promoted already, and others do not follow it yet.',
      result: Result.fromObject({ lastCheckpointLsn: '0/0' }),
      resultPath: '$.stopped',
    }).next(promote);
    const mode = new Choice(this, 'Promoted already')
      .when(Condition.stringEquals('$.plan.mode', 'finish'), goOn)
      .otherwise(prepare.next(stop).next(promote));

    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'switchover',
      title: 'Switchover',
      comment: 'Makes another node the primary while all are well: one short interruption, and no commit lost.',
      steps: plan.next(mode),
    }).stateMachine;
  }

  private abandoned(name: string, cause: string): Pass {
    const explain = new Pass(this, name, { parameters: { cause } });
    explain.next(
      new Fail(this, `${name}: abandoned`, {
        error: 'SwitchoverAbandoned' satisfies ErrorName,
        causePath: JsonPath.stringAt('$.cause'),
      }),
    );
    return explain;
  }
}
