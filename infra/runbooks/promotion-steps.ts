/** Steps that switchover and failover have in common: what follows a promotion. */
import { Choice, Condition, JsonPath, Map as MapState, Pass } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { functionStep } from './function-step.ts';
import type { RunbookProps } from './locked-runbook.ts';
import { type NodeCommandStepProps, nodeCommandStep } from './node-command-step.ts';
import { standbyRepointed } from './retry-policies.ts';

/** Path of the operation's epoch. */
export const epoch = '$.operation.epoch';

/** Makes steps that are commands on a node. */
export type OnNode = (name: string, step: Omit<NodeCommandStepProps, 'functions'>) => LambdaInvoke;

export function onNodes(scope: Construct, { functions }: RunbookProps): OnNode {
  return (name, step) => nodeCommandStep(scope, name, { functions, ...step });
}

/**
 * The other nodes follow the new primary, all at once; one that fails does not stop the others and is reported.
 *
 * @param nodes path of a list of them: `node`, and whether PostgreSQL is `stopped` there, as on a former primary
 * @param primary path of the new primary
 */
export function followSteps(
  scope: Construct,
  onNode: OnNode,
  { nodes, primary }: { nodes: string; primary: string },
): MapState {
  const failed = new Pass(scope, 'Node does not follow', { comment: 'Reported at the end; rejoin brings it back.' });
  const step = (name: string, command: 'follow-primary' | 'start-standby', resultPath: string) => {
    const parameters = { Primary: '$.primary' };
    const made = onNode(name, { command, node: '$.node', epoch: '$.epoch', parameters, resultPath });
    return made.addCatch(failed, { resultPath: '$.failure' });
  };
  const start = step('Start following', 'start-standby', '$.start');
  const makeStandby = step('Make node a standby', 'follow-primary', '$.follow').next(start);
  return new MapState(scope, 'Others follow new primary', {
    comment: 'Writes go on as soon as as many standbys follow as a commit needs.',
    itemsPath: nodes,
    itemSelector: {
      node: JsonPath.stringAt('$$.Map.Item.Value.node'),
      stopped: JsonPath.objectAt('$$.Map.Item.Value.stopped'),
      epoch: JsonPath.numberAt(epoch),
      primary: JsonPath.stringAt(primary),
    },
    resultPath: '$.followers',
  }).itemProcessor(
    new Choice(scope, 'Is it stopped').when(Condition.booleanEquals('$.stopped', true), makeStandby).otherwise(start),
  );
}

/** Sees that those that follow stream and have caught up, and reports. */
export function concludingSteps(
  scope: Construct,
  { functions }: RunbookProps,
  {
    runbook,
    primary,
    report,
  }: { runbook: 'switchover' | 'failover'; primary: string; report: Record<string, unknown> },
): LambdaInvoke {
  const verify = functionStep(scope, 'Verify replication', {
    comment: 'Over SQL: those that follow stream, and as many as a commit needs have caught up.',
    lambdaFunction: functions.get('verify-replication'),
    payload: {
      expect: 'durable',
      primary: JsonPath.stringAt(primary),
      followers: JsonPath.objectAt('$.followers'),
    },
    resultPath: '$.replication',
  });
  verify.addRetry(standbyRepointed);
  const unverified = new Pass(scope, 'Replication is not verified', {
    comment: 'The new primary is there; what does not follow it is reported.',
    parameters: { failure: JsonPath.objectAt('$.unverified') },
    resultPath: '$.replication',
  });
  const conclude = functionStep(scope, 'Report', {
    comment: 'The output of the execution.',
    lambdaFunction: functions.get('report-promotion'),
    payload: {
      runbook,
      promoted: JsonPath.objectAt('$.promoted'),
      followers: JsonPath.objectAt('$.followers'),
      replication: JsonPath.objectAt('$.replication'),
      ...report,
    },
    resultPath: '$',
  });
  verify.addCatch(unverified.next(conclude), { resultPath: '$.unverified' });
  verify.next(conclude);
  return verify;
}
