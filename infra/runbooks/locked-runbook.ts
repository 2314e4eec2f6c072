import { Duration } from 'aws-cdk-lib';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import {
  Chain,
  DefinitionBody,
  Fail,
  type IChainable,
  JsonPath,
  LogLevel,
  Parallel,
  Pass,
  StateMachine,
  StateMachineType,
  Succeed,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import type { ErrorName } from '../../lambdas/contract/errors.ts';
import { type RunbookName, resourceNames } from '../../lambdas/contract/names.ts';
import { runbookSeconds } from '../../lambdas/contract/time-limits.ts';
import { functionStep } from './function-step.ts';
import { refusal } from './refusal.ts';
import { checkFailing } from './retry-policies.ts';
import type { RunbookFunctions } from './runbook-functions.ts';

/** What every runbook is made from. */
export interface RunbookProps {
  readonly cluster: Cluster;
  readonly functions: RunbookFunctions;
  readonly logGroup: ILogGroup;
}

export interface LockedRunbookProps extends RunbookProps {
  readonly runbook: RunbookName;
  /** Past tense title for the last box, such as `Setup complete`. */
  readonly title: string;
  readonly comment: string;
  /** The runbook's own steps. They find the operation (owner, epoch, nodes) at `$.operation`. */
  readonly steps: IChainable;
}

/**
 * A runbook that holds the cluster's lock while it runs: takes it, does its steps, gives it back in every outcome,
 * and ends with the error of the step that failed in words for the operator.
 */
export class LockedRunbook extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: LockedRunbookProps) {
    super(scope, id);
    const { cluster, functions, runbook, title } = props;

    const acquire = functionStep(this, 'Acquire lock', {
      comment: 'One operation at a time per cluster. Checks the input first.',
      lambdaFunction: functions.get('acquire-lock'),
      payload: { runbook, execution: JsonPath.stringAt('$$.Execution.Id'), input: JsonPath.objectAt('$') },
      resultPath: '$.operation',
    });
    const refusals: ErrorName[] = ['AnotherRunbookRuns', 'InvalidInput'];
    acquire.addCatch(refusal(this, title, 'the input is wrong, or another runbook holds the lock'), {
      errors: refusals,
      resultPath: '$.failure',
    });

    const work = new Parallel(this, title, {
      comment: props.comment,
      resultSelector: { 'output.$': '$[0]' },
      resultPath: '$.done',
    });
    work.branch(props.steps);
    // Beside the work, so that nobody's writes wait for a mail.
    work.branch(this.announceStep(props, 'Announce start', { phase: 'started' }));

    const look = this.lookStep(functions, 'Have the checker look');
    const lookAfterFailure = this.lookStep(functions, 'Have the checker look after failure');
    const release = this.releaseStep(functions, 'Release lock', {});
    const complete = new Succeed(this, `${title} complete`, { outputPath: '$.done.output' });

    const releaseAfterFailure = this.releaseStep(functions, 'Release lock after failure', {
      failure: JsonPath.objectAt('$.failure'),
    });
    const failed = new Fail(this, `${title} failed`, {
      errorPath: JsonPath.stringAt('$.outcome.error'),
      causePath: JsonPath.stringAt('$.outcome.cause'),
    });
    const announceFailure = this.announceStep(props, 'Announce failure', {
      phase: 'failed',
      outcome: JsonPath.objectAt('$.outcome'),
    });
    work.addCatch(lookAfterFailure.next(releaseAfterFailure).next(announceFailure).next(failed), {
      resultPath: '$.failure',
    });

    const announceSuccess = this.announceStep(props, 'Announce success', {
      phase: 'succeeded',
      output: JsonPath.objectAt('$.done.output'),
    });
    const definition: Chain = acquire.next(work).next(look).next(release).next(announceSuccess).next(complete);
    this.stateMachine = new StateMachine(this, 'Resource', {
      stateMachineName: resourceNames(cluster.name).runbook(runbook),
      stateMachineType: StateMachineType.STANDARD,
      comment: props.comment,
      definitionBody: DefinitionBody.fromChainable(definition),
      timeout: Duration.seconds(runbookSeconds),
      tracingEnabled: true,
      logs: { destination: props.logGroup, level: LogLevel.ERROR, includeExecutionData: false },
    });
  }

  /**
   * The checker remembers what the runbook left behind, a rule or a primary above all, before anything else can happen:
   * a failover has to know the rule that commits followed. Also after a failure, which may have left a new one.
   */
  private lookStep(functions: RunbookFunctions, name: string): Chain {
    const look = functionStep(this, name, {
      comment: 'It remembers the primary and its rule at once. If that fails, its next check does.',
      lambdaFunction: functions.get('check-cluster'),
      payload: {},
      resultPath: JsonPath.DISCARD,
    });
    look.addRetry(checkFailing);
    const unseen = new Pass(this, `${name} (it could not)`);
    look.addCatch(unseen, { resultPath: '$.unseen' });
    return Chain.custom(look, [look, unseen], look);
  }

  /** Tells the subscribers; a runbook does its work whether anybody hears of it or not. */
  private announceStep(
    { functions, runbook }: LockedRunbookProps,
    name: string,
    payload: Record<string, unknown>,
  ): Chain {
    const announce = functionStep(this, name, {
      comment: 'By mail and chat. If that fails, the runbook goes on.',
      lambdaFunction: functions.get('announce-runbook'),
      payload: {
        runbook,
        execution: JsonPath.stringAt('$$.Execution.Id'),
        operation: JsonPath.objectAt('$.operation'),
        ...payload,
      },
      resultPath: JsonPath.DISCARD,
    });
    const unheard = new Pass(this, `${name} (nobody could be told)`);
    announce.addCatch(unheard, { resultPath: '$.unheard' });
    return Chain.custom(announce, [announce, unheard], announce);
  }

  private releaseStep(functions: RunbookFunctions, name: string, payload: Record<string, unknown>): LambdaInvoke {
    return functionStep(this, name, {
      comment: 'Another runbook may run on this cluster from now on.',
      lambdaFunction: functions.get('release-lock'),
      payload: { execution: JsonPath.stringAt('$$.Execution.Id'), ...payload },
      resultPath: '$.outcome',
    });
  }
}
