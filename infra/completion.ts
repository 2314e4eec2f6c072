import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as schedulerTargets from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { runbookArns } from './runbook-arns.ts';

/** Statuses of a command invocation that it does not leave any more. */
const finalCommandStatuses = ['Success', 'Failed', 'TimedOut', 'Cancelled'];

/** States of an instance in which nobody goes on with a command. */
const goneStates = ['stopping', 'stopped', 'shutting-down', 'terminated'];

/** Ends of an execution that may not have reached its own release of the lock, nor said itself that it ended. */
const unsuccessfulEnds = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/**
 * What goes on beside the runbooks: finished commands complete the task that waits for them, at once by event and at
 * the latest within a minute by the sweep; and a runbook that could not end by itself gives its lock back and is told.
 */
export class Completion extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      cluster: Cluster;
      documentNames: string[];
      completeNodeCommand: lambda.IFunction;
      sweepNodeCommands: lambda.IFunction;
      releaseLock: lambda.IFunction;
      announceRunbook: lambda.IFunction;
    },
  ) {
    super(scope, id);
    const { cluster } = props;
    new events.Rule(this, 'CommandEnded', {
      description: `A command on a host of ${cluster.name} ended`,
      eventPattern: {
        source: ['aws.ssm'],
        detailType: ['EC2 Command Invocation Status-change Notification'],
        detail: { 'document-name': props.documentNames, status: finalCommandStatuses },
      },
      // What could not be delivered within minutes was completed by the sweep.
      targets: [new targets.LambdaFunction(props.completeNodeCommand, { maxEventAge: Duration.minutes(5) })],
    });
    new events.Rule(this, 'InstanceGone', {
      description: `An instance of ${cluster.name} stops, with whatever ran on it`,
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { 'instance-id': cluster.nodes.map(({ instanceId }) => instanceId), state: goneStates },
      },
      targets: [new targets.LambdaFunction(props.sweepNodeCommands, { maxEventAge: Duration.minutes(5) })],
    });
    // Beside what a runbook does itself at its end: some ends leave it no time for that.
    new events.Rule(this, 'RunbookEnded', {
      description: `A runbook of ${cluster.name} ended without success`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: runbookArns(this, cluster.name), status: unsuccessfulEnds },
      },
      targets: [new targets.LambdaFunction(props.releaseLock), new targets.LambdaFunction(props.announceRunbook)],
    });
    new scheduler.Schedule(this, 'Sweep', {
      scheduleName: `${cluster.name}-sweep-node-commands`,
      description: `Completes what a lost event left waiting in ${cluster.name}`,
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(1)),
      // The next minute's sweep does what this one could not.
      target: new schedulerTargets.LambdaInvoke(props.sweepNodeCommands, {
        retryAttempts: 0,
        maxEventAge: Duration.minutes(1),
      }),
    });
  }
}
