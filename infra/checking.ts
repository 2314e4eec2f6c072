import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as schedulerTargets from 'aws-cdk-lib/aws-scheduler-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';

/**
 * What starts a check of the cluster: every few seconds a message of the queue, which is filled every minute, and at
 * once any change of an instance's state. Checks may overlap: each looks for itself, and one of them decides.
 */
export class Checking extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      cluster: Cluster;
      queue: sqs.IQueue;
      scheduleChecks: lambda.IFunction;
      checkCluster: lambda.IFunction;
    },
  ) {
    super(scope, id);
    const { cluster, queue, scheduleChecks, checkCluster } = props;
    new scheduler.Schedule(this, 'EveryMinute', {
      scheduleName: `${cluster.name}-schedule-checks`,
      description: `Asks for the checks of ${cluster.name} of the next three minutes`,
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(1)),
      // The next minute's call asks for what this one could not.
      target: new schedulerTargets.LambdaInvoke(scheduleChecks, {
        retryAttempts: 0,
        maxEventAge: Duration.minutes(1),
      }),
    });
    // The permissions are in the one table of functions, where `addEventSource` would not put them.
    new lambda.EventSourceMapping(this, 'Checks', {
      target: checkCluster,
      eventSourceArn: queue.queueArn,
      batchSize: 1,
      // No maximum concurrency: with one, Lambda polls with five connections instead of two, which costs more than the
      // checks do. The interval and the function's timeout bound how many overlap.
    });
    new events.Rule(this, 'InstanceChanged', {
      description: `An instance of ${cluster.name} starts or stops: look at once`,
      eventPattern: {
        source: ['aws.ec2'],
        detailType: ['EC2 Instance State-change Notification'],
        detail: { 'instance-id': cluster.nodes.map(({ instanceId }) => instanceId) },
      },
      targets: [new targets.LambdaFunction(checkCluster, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}
