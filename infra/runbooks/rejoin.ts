import { Duration } from 'aws-cdk-lib';
import {
  Choice,
  Condition,
  Fail,
  IntegrationPattern,
  JsonPath,
  Pass,
  type State,
  type StateMachine,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { ErrorName } from '../../lambdas/contract/errors.ts';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { type NodeCommandStepProps, nodeCommandStep } from './node-command-step.ts';
import { lambdaBusyOrCutOff, standbyCatchingUp, standbyConnecting, standbyReplaying } from './retry-policies.ts';

const errors = (...names: ErrorName[]): string[] => names;

/** Why a standby does not start or does not stream, where a new copy of the primary would. */
const curedByRebuild: readonly ErrorName[] = [
  'WalGone',
  'StartFailed',
  'DataDamaged',
  'ControlFileUnreadable',
  'DataDirectoryEmpty',
];

/** How long a person has to answer. */
const approvalTime = Duration.hours(24);

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
  private readonly startedMeanwhile: State;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    this.props = props;
    const find = this.findPrimary();
    this.startedMeanwhile = this.lookAgain(find);
    this.look(find, this.slot(this.methods(this.verification(), find)));
    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'rejoin',
      title: 'Rejoin',
      comment:
        'Brings a node that fell out back as a standby: start, follow, rewind or rebuild, whatever is the least.',
      steps: find,
    }).stateMachine;
  }

  private findPrimary(): LambdaInvoke {
    return functionStep(this, 'Find primary', {
      comment:
        'Over SQL, by the observer: roles are seen, not configured. Refuses when the node is the primary itself.',
      lambdaFunction: this.props.functions.get('find-primary'),
      payload: { node: JsonPath.stringAt(node) },
      resultPath: '$.found',
    });
  }

  /** Who is the primary, what the node is like, what is to be done. */
  private look(find: LambdaInvoke, act: State): void {
    const { functions } = this.props;
    const inspect = this.command('Inspect node', 'inspect-node', '$.inspection');
    const plan = functionStep(this, 'Plan rejoin', {
      comment:
        "Chooses the method, with reasons. Refuses what only a person can decide, another cluster's data above all.",
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
      .otherwise(act);
    find.next(inspect).next(plan).next(only);
  }

  /** A host that boots may start the node after it was looked at, as the primary that it was: what is to be done is another. */
  private lookAgain(find: State): State {
    const again = new Pass(this, 'Look again', {
      comment: 'The node was started as a primary after it was looked at.',
      // What was found out before does not hold any more.
      parameters: { operation: JsonPath.objectAt('$.operation'), lookedAgain: true },
    });
    again.next(find);
    const failed = new Fail(this, 'Node is started time and again', {
      errorPath: '$.startedMeanwhile.Error',
      causePath: '$.startedMeanwhile.Cause',
    });
    return new Choice(this, 'Has it happened before?')
      .when(Condition.isPresent('$.lookedAgain'), failed)
      .otherwise(again);
  }

  /** A slot that is missing, or has lost WAL, is made anew before the node needs it. */
  private slot(following: State): State {
    const ensure = nodeCommandStep(this, 'Repair replication slot', {
      functions: this.props.functions,
      command: 'ensure-roles-and-slots',
      node: primary,
      epoch,
      parameters: { Primary: primary },
      resultPath: '$.ensured',
    });
    ensure.next(following);
    return new Choice(this, 'Is its slot in order?')
      .when(Condition.booleanEquals('$.plan.repairSlot', true), ensure)
      .otherwise(following);
  }

  /** From the least to the most; a method that fails for a reason that the next one cures hands over to it. */
  private methods(verify: State, find: State): State {
    const discard = this.command('Discard former data', 'discard-former-data', '$.discarded');
    discard.next(verify);
    const streams = new Choice(this, 'Is old data left?')
      .when(Condition.booleanEquals('$.plan.discardFormerData', true), discard)
      .otherwise(verify);
    const rebuild = this.rebuild(discard, find);
    const rewind = this.rewind(streams, rebuild);
    const keep = this.changing('Keep diverged WAL', 'keep-diverged-wal', '$.kept');
    keep.next(new Choice(this, 'Rewind or rebuild?').when(method('rebuild'), rebuild).otherwise(rewind));

    const start = this.startStep('Start standby');
    const follow = this.changing('Follow primary', 'follow-primary', '$.followed');
    for (const step of [start, follow]) {
      step.addCatch(keep, { errors: errors('NodeDiverged'), resultPath: '$.startFailure' });
      step.addCatch(rebuild, { errors: errors(...curedByRebuild), resultPath: '$.startFailure' });
    }
    follow.next(start).next(streams);

    const which = new Choice(this, 'Which method?')
      .when(method('none'), streams)
      .when(method('start'), start)
      .when(method('follow'), follow)
      .when(Condition.booleanEquals('$.plan.keepWal', true), keep)
      .when(method('rewind'), rewind)
      .otherwise(rebuild);
    const fence = nodeCommandStep(this, 'Fence former primary', {
      functions: this.props.functions,
      command: 'fence-primary',
      node,
      epoch,
      parameters: { Mode: 'any' },
      resultPath: '$.fenced',
    });
    fence.next(which);
    return new Choice(this, 'Does it accept writes?')
      .when(Condition.booleanEquals('$.plan.fence', true), fence)
      .otherwise(which);
  }

  private rewind(streams: State, rebuild: State): State {
    const checkpoint = nodeCommandStep(this, 'Checkpoint primary', {
      functions: this.props.functions,
      command: 'checkpoint-primary',
      node: primary,
      epoch,
      resultPath: '$.checkpoint',
    });
    const rewind = this.changing('Rewind node', 'rewind-node', '$.rewound');
    const start = this.startStep('Start rewound node');
    rewind.addCatch(rebuild, {
      errors: errors('RewindFailed', 'DataDamaged', 'ControlFileUnreadable'),
      resultPath: '$.rewindFailure',
    });
    start.addCatch(rebuild, { errors: errors('NodeDiverged', ...curedByRebuild), resultPath: '$.rewindFailure' });
    checkpoint.next(rewind).next(start).next(streams);
    return checkpoint;
  }

  private rebuild(discard: State, find: State): State {
    const build = this.changing('Rebuild node', 'rebuild-node', '$.rebuilt');
    const start = this.startStep('Start rebuilt node');
    build.next(start).next(discard);
    const impossible = new Fail(this, 'Rebuild is not possible', {
      errorPath: '$.plan.rebuild.error',
      causePath: '$.plan.rebuild.cause',
    });
    const verdict = (name: string) => Condition.stringEquals('$.plan.rebuild.verdict', name);
    return new Choice(this, 'May it be rebuilt?')
      .when(verdict('allowed'), build)
      .when(verdict('ask'), this.approval(find))
      .otherwise(impossible);
  }

  /**
   * Asks a person. The lock is free meanwhile, so that a failover need not wait for the answer; after it everything is
   * looked at anew.
   */
  private approval(find: State): State {
    const { functions } = this.props;
    const execution = JsonPath.stringAt('$$.Execution.Id');
    const release = functionStep(this, 'Release lock while asking', {
      comment: 'Nobody knows when the answer comes; other runbooks may run until then.',
      lambdaFunction: functions.get('release-lock'),
      payload: { execution },
      resultPath: JsonPath.DISCARD,
    });
    const ask = new LambdaInvoke(this, 'Ask whether to rebuild', {
      comment: 'By mail and chat, with the plan and the commands that approve and refuse it.',
      lambdaFunction: functions.get('ask-for-rebuild'),
      integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
      payload: TaskInput.fromObject({
        taskToken: JsonPath.taskToken,
        execution,
        state: JsonPath.objectAt('$'),
      }),
      taskTimeout: Timeout.duration(approvalTime),
      resultPath: JsonPath.DISCARD,
      retryOnServiceExceptions: false,
    });
    ask.addRetry(lambdaBusyOrCutOff);
    const unanswered = new Fail(this, 'Nobody answered', {
      error: 'RebuildNotApproved' satisfies ErrorName,
      cause: `Nobody approved or refused the rebuild within ${approvalTime.toHours()} hours. Nothing was rebuilt.\nStart rejoin again, with "allowRebuild": true if it may be rebuilt.`,
    });
    ask.addCatch(unanswered, { errors: ['States.Timeout'], resultPath: '$.unanswered' });
    const acquire = functionStep(this, 'Acquire lock again', {
      comment: 'Refused if another runbook runs by now.',
      lambdaFunction: functions.get('acquire-lock'),
      payload: { runbook: 'rejoin', execution, input: { node: JsonPath.stringAt(node), allowRebuild: true } },
      resultPath: '$.operation',
    });
    release.next(ask).next(acquire).next(find);
    return release;
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

  /** Until it streams: after a long copy, or a crash, it has WAL of its own to replay first. */
  private startStep(name: string): LambdaInvoke {
    const start = this.changing(name, 'start-standby', '$.started');
    start.addRetry(standbyReplaying);
    return start;
  }

  /** A command on the node that refuses to change it while it runs as a primary. */
  private changing(name: string, command: NodeCommandStepProps['command'], resultPath: string): LambdaInvoke {
    const step = this.command(name, command, resultPath);
    step.addCatch(this.startedMeanwhile, { errors: errors('NodeRunsAsPrimary'), resultPath: '$.startedMeanwhile' });
    return step;
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
