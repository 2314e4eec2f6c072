import {
  Choice,
  Condition,
  Fail,
  type IChainable,
  JsonPath,
  Pass,
  type State,
  type StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { type NodeCommandStepProps, nodeCommandStep } from './node-command-step.ts';
import { standbyCatchingUp, standbyConnecting } from './retry-policies.ts';

const epoch = '$.operation.epoch';
const node = '$.operation.input.node';
const primary = '$.found.primary';

/**
 * The rejoin runbook: a node that fell out streams again, by the least that brings it back. It looks, plans, and goes
 * from one method to the next when one fails for a reason that the next one cures.
 */
export class RejoinRunbook extends Construct {
  readonly stateMachine: StateMachine;
  private readonly props: RunbookProps;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    this.props = props;
    const verify = this.verification();
    const slot = this.slot().next(this.methods(verify));
    const find = this.look(slot);
    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'rejoin',
      title: 'Rejoin',
      comment:
        'Brings a node that fell out back as a standby: start, follow, rewind or rebuild, whatever is the least.',
      steps: find,
    }).stateMachine;
  }

  /** Who is the primary, what the node is like, what is to be done. */
  private look(act: IChainable): IChainable {
    const { functions } = this.props;
    const find = functionStep(this, 'Find primary', {
      comment:
        'Over SQL, by the observer: roles are seen, not configured. Refuses when the node is the primary itself.',
      lambdaFunction: functions.get('find-primary'),
      payload: { node: JsonPath.stringAt(node) },
      resultPath: '$.found',
    });
    const inspect = this.command('Inspect node', 'inspect-node', '$.inspection');
    const plan = functionStep(this, 'Plan rejoin', {
      comment:
        'Chooses the method, with reasons. Refuses what only a person can decide, another cluster’s data above all.',
      lambdaFunction: functions.get('plan-rejoin'),
      payload: {
        node: JsonPath.stringAt(node),
        allowRebuild: JsonPath.objectAt('$.operation.input.allowRebuild'),
        found: JsonPath.objectAt('$.found'),
        inspection: JsonPath.objectAt('$.inspection'),
      },
      resultPath: '$.plan',
    });
    const report = new Pass(this, 'Report plan', {
      comment: 'Nothing was touched.',
      parameters: {
        dryRun: true,
        node: JsonPath.stringAt('$.plan.node'),
        primary: JsonPath.stringAt('$.plan.primary'),
        method: JsonPath.stringAt('$.plan.method'),
        reasons: JsonPath.objectAt('$.plan.reasons'),
        rebuild: JsonPath.objectAt('$.plan.rebuild'),
        summary: JsonPath.objectAt('$.plan.summary'),
      },
    });
    const only = new Choice(this, 'Only a plan?')
      .when(Condition.booleanEquals('$.operation.input.dryRun', true), report)
      .otherwise(act as State);
    return find.next(inspect).next(plan).next(only);
  }

  /** A slot that is missing, or has lost WAL, is made anew before the node needs it. */
  private slot(): { next: (following: State) => State } {
    const ensure = nodeCommandStep(this, 'Repair replication slot', {
      functions: this.props.functions,
      command: 'ensure-roles-and-slots',
      node: primary,
      epoch,
      parameters: { Primary: primary },
      resultPath: '$.ensured',
    });
    return {
      next: (following) => {
        ensure.next(following);
        return new Choice(this, 'Is its slot in order?')
          .when(Condition.booleanEquals('$.plan.repairSlot', true), ensure)
          .otherwise(following);
      },
    };
  }

  private methods(verify: State): State {
    const later = new Fail(this, 'Method is not there yet', {
      errorPath: '$.plan.method',
      causePath: '$.plan.summary[0]',
    });
    const start = this.command('Start standby', 'start-standby', '$.started');
    const follow = this.command('Follow primary', 'follow-primary', '$.followed');
    follow.next(start).next(verify);
    return new Choice(this, 'Which method?')
      .when(method('none'), verify)
      .when(method('start'), start)
      .when(method('follow'), follow)
      .otherwise(later);
  }

  /** Streams, has caught up, and the rule of synchronous replication is the configured one. */
  private verification(): State {
    const verify = this.verifyStep('Verify node has caught up');
    const again = this.verifyStep('Verify with synchronous standbys');
    const restore = nodeCommandStep(this, 'Restore synchronous standbys', {
      functions: this.props.functions,
      command: 'set-synchronous-standbys',
      node: primary,
      epoch,
      parameters: { StandbyNames: '$.report.wantedStandbyNames' },
      resultPath: '$.synchronous',
    });
    const report = new Pass(this, 'Report', { comment: 'The output of the execution.', outputPath: '$.report' });
    const restored = new Choice(this, 'Are synchronous standbys as configured?')
      .when(Condition.isString('$.report.wantedStandbyNames'), restore.next(again).next(report))
      .otherwise(report);
    verify.next(restored);
    return verify;
  }

  private verifyStep(name: string): LambdaInvoke {
    const verify = functionStep(this, name, {
      comment: 'Over SQL, by the observer; caught up means by LSN.',
      lambdaFunction: this.props.functions.get('verify-rejoin'),
      payload: { startedAt: JsonPath.stringAt('$$.Execution.StartTime'), state: JsonPath.objectAt('$') },
      resultPath: '$.report',
    });
    verify.addRetry(standbyConnecting);
    verify.addRetry(standbyCatchingUp);
    return verify;
  }

  /** A command on the node that rejoins. */
  private command(name: string, command: NodeCommandStepProps['command'], resultPath: string): LambdaInvoke {
    return nodeCommandStep(this, name, {
      functions: this.props.functions,
      command,
      node,
      epoch,
      parameters: { Primary: primary },
      resultPath,
    });
  }
}

const method = (name: string) => Condition.stringEquals('$.plan.method', name);
