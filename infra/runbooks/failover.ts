import {
  Chain,
  Choice,
  Condition,
  Fail,
  JsonPath,
  Map as MapState,
  Parallel,
  Pass,
  type StateMachine,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { resourceNames } from '../../lambdas/contract/names.ts';
import {
  fenceOnHostSeconds,
  lastQuestionSeconds,
  liftFenceSeconds,
  stopFollowingSeconds,
} from '../../lambdas/contract/time-limits.ts';
import { functionStep } from './function-step.ts';
import { LockedRunbook, type RunbookProps } from './locked-runbook.ts';
import { concludingSteps, epoch, followSteps, type OnNode, onNodes } from './promotion-steps.ts';
import { instanceStopping } from './retry-policies.ts';

/**
 * The failover runbook. Nothing is promoted before the former primary is fenced and no standby follows it any more: from
 * then on no commit can be acknowledged there, whatever comes back.
 */
export class FailoverRunbook extends Construct {
  readonly stateMachine: StateMachine;
  readonly #props: RunbookProps;
  readonly #onNode: OnNode;

  constructor(scope: Construct, id: string, props: RunbookProps) {
    super(scope, id);
    this.#props = props;
    this.#onNode = onNodes(this, props);
    const { functions } = props;

    const plan = functionStep(this, 'Plan failover', {
      comment:
        'Asks several witnesses whether the primary is down. Refuses unless that is certain and nothing is lost.',
      lambdaFunction: functions.get('plan-failover'),
      payload: { input: JsonPath.objectAt('$.operation.input') },
      resultPath: '$.plan',
    });
    const isolate = new Parallel(this, 'Isolate former primary', {
      comment: 'It is fenced, and its standbys stop following it.',
      resultSelector: { fence: JsonPath.objectAt('$[0].fence'), detached: JsonPath.objectAt('$[1]') },
      resultPath: '$.isolated',
    });
    isolate.branch(this.fence(), this.detach());
    const choose = functionStep(this, 'Choose candidate', {
      comment: 'The standby with the most WAL, if every acknowledged commit is there.',
      lambdaFunction: functions.get('choose-candidate'),
      payload: {
        plan: JsonPath.objectAt('$.plan'),
        fence: JsonPath.objectAt('$.isolated.fence'),
        detached: JsonPath.objectAt('$.isolated.detached'),
      },
      resultPath: '$.candidate',
    });
    const undo = this.undo();
    isolate.addCatch(undo, { resultPath: '$.failure' });
    choose.addCatch(undo, { resultPath: '$.failure' });
    const promote = this.#onNode('Promote', {
      command: 'promote',
      node: '$.candidate.node',
      epoch,
      parameters: { StandbyNames: '$.candidate.standbyNames', MinimumLsn: '$.candidate.minimumLsn' },
      resultPath: '$.promoted',
    });
    const follow = followSteps(this, this.#onNode, {
      nodes: '$.candidate.others',
      primary: '$.candidate.node',
    });
    const conclude = concludingSteps(this, props, {
      runbook: 'failover',
      primary: '$.candidate.node',
      report: {
        plan: JsonPath.objectAt('$.plan'),
        fence: JsonPath.objectAt('$.isolated.fence'),
        candidate: JsonPath.objectAt('$.candidate'),
      },
    });
    this.stateMachine = new LockedRunbook(this, 'Runbook', {
      ...props,
      runbook: 'failover',
      title: 'Failover',
      comment: 'Makes a standby the primary because the primary is gone, without losing an acknowledged commit.',
      steps: plan.next(isolate).next(choose).next(promote).next(follow).next(conclude),
    }).stateMachine;
  }

  /** Leaves at `$.fence` how the former primary was proven unable to accept writes. */
  private fence(): Choice {
    const fenced = (name: string, method: string, detail: string) =>
      new Pass(this, name, { parameters: { fence: { method, detail: JsonPath.objectAt(detail) } } });
    const instance = functionStep(this, 'Stop its instance', {
      comment: 'Its host cannot be reached: EC2 takes its power away, and has to report that it has.',
      lambdaFunction: this.#props.functions.get('fence-instance'),
      payload: { node: JsonPath.stringAt('$.plan.formerPrimary') },
      resultPath: '$.stopped',
    });
    instance.addRetry(instanceStopping);
    const byInstance = instance.next(fenced('Fenced by its instance', 'instance', '$.stopped'));
    const host = this.#onNode('Stop its PostgreSQL', {
      command: 'fence-primary',
      node: '$.plan.formerPrimary',
      epoch,
      constants: { Mode: 'any' },
      timeoutSeconds: fenceOnHostSeconds,
      endsWhenBusy: true,
      resultPath: '$.stopped',
    });
    host.addCatch(this.askForItsEnd(byInstance, fenced('Fenced on its host after all', 'host', '$.late.result')), {
      errors: ['States.Timeout'],
      resultPath: '$.hostNotFenced',
    });
    host.addCatch(byInstance, { resultPath: '$.hostNotFenced' });
    const look = functionStep(this, 'Look at its host', {
      comment: 'EC2 and SSM: can its host be reached?',
      lambdaFunction: this.#props.functions.get('plan-fencing'),
      payload: { node: JsonPath.stringAt('$.plan.formerPrimary') },
      resultPath: '$.host',
    });
    const how = new Choice(this, 'How to fence it', { comment: 'On its host while SSM reaches that.' })
      .when(
        Condition.stringEquals('$.host.method', 'host'),
        host.next(fenced('Fenced on its host', 'host', '$.stopped')),
      )
      .otherwise(byInstance);
    return new Choice(this, 'Is there one to fence')
      .when(Condition.booleanEquals('$.plan.fence', true), look.next(how))
      .otherwise(new Pass(this, 'Nothing to fence', { parameters: { fence: { method: 'none' } } }));
  }

  /** A host that is fenced keeps its power, though the event of the command's end was lost or came late. */
  private askForItsEnd(byInstance: Chain, fencedOnHost: Pass): Chain {
    const ask = functionStep(this, 'Ask for its end', {
      comment: 'Nobody told of it in time. Once: SSM may know that PostgreSQL is stopped.',
      lambdaFunction: this.#props.functions.get('sweep-node-commands'),
      payload: {
        givenUp: {
          document: resourceNames(this.#props.cluster.name).document('fence-primary'),
          node: JsonPath.stringAt('$.plan.formerPrimary'),
          epoch: JsonPath.numberAt(epoch),
        },
      },
      resultPath: '$.late',
      onceWithinSeconds: lastQuestionSeconds,
    });
    ask.addCatch(byInstance, { resultPath: '$.notAnswered' });
    return ask.next(
      new Choice(this, 'Is it fenced after all', { comment: 'Anything but a plain yes is a no.' })
        .when(Condition.booleanEquals('$.late.ended', true), fencedOnHost)
        .otherwise(byInstance),
    );
  }

  /** From here on the former primary gets no confirmation for a commit. */
  private detach(): MapState {
    const failed = new Pass(this, 'Standby could not be asked', { comment: 'It counts as one that may hold commits.' });
    const stop = this.#onNode('Stop following', {
      command: 'stop-following',
      node: '$.node',
      epoch: '$.epoch',
      parameters: { StandbyNames: '$.standbyNames' },
      timeoutSeconds: stopFollowingSeconds,
      resultPath: '$.position',
    });
    stop.addCatch(failed, { resultPath: '$.failure' });
    return new MapState(this, 'Standbys stop following', {
      comment: 'Each then says how far its WAL goes.',
      itemsPath: '$.plan.detach',
      itemSelector: {
        node: JsonPath.stringAt('$$.Map.Item.Value.node'),
        standbyNames: JsonPath.stringAt('$$.Map.Item.Value.standbyNames'),
        epoch: JsonPath.numberAt(epoch),
      },
    }).itemProcessor(stop);
  }

  /** Nothing was promoted: the standbys follow their primary again, and it may start again. */
  private undo(): Chain {
    const unresumed = new Pass(this, 'Standby still detached', { comment: 'Rejoin brings it back.' });
    const resume = this.#onNode('Resume following', {
      command: 'resume-following',
      node: '$.node',
      epoch: '$.epoch',
      parameters: { Primary: '$.primary' },
      resultPath: '$.resumed',
    });
    resume.addCatch(unresumed, { resultPath: '$.notResumed' });
    const resumeAll = new MapState(this, 'Standbys follow again', {
      comment: 'Nothing was promoted: everything is put back as it was.',
      itemsPath: '$.plan.detach',
      itemSelector: {
        node: JsonPath.stringAt('$$.Map.Item.Value.node'),
        primary: JsonPath.stringAt('$.plan.formerPrimary'),
        epoch: JsonPath.numberAt(epoch),
      },
      resultPath: JsonPath.DISCARD,
    }).itemProcessor(resume);
    const lift = this.#onNode('Lift fence', {
      command: 'return-primary',
      node: '$.plan.formerPrimary',
      epoch,
      constants: { Start: 'no' },
      timeoutSeconds: liftFenceSeconds,
      resultPath: '$.lifted',
    });
    const refuse = new Fail(this, 'Nothing was promoted', {
      errorPath: JsonPath.stringAt('$.failure.Error'),
      causePath: JsonPath.stringAt('$.failure.Cause'),
    });
    lift.addCatch(refuse, { resultPath: '$.notLifted' });
    resumeAll.addCatch(refuse, { resultPath: '$.notResumed' });
    const start = new Choice(this, 'Anything to put back', {
      comment: 'Without a former primary there is nobody to follow.',
    })
      .when(Condition.booleanEquals('$.plan.fence', true), resumeAll.next(lift).next(refuse))
      .otherwise(refuse);
    return Chain.start(start);
  }
}
