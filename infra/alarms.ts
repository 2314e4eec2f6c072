import { Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { type Status, statuses } from '../lambdas/contract/health.ts';
import { type AlarmName, resourceNames } from '../lambdas/contract/names.ts';
import { clusterMetric, failures } from './checker-metrics.ts';
import { dashboardLink, functionLogLink } from './console-links.ts';

export interface AlarmsProps {
  readonly cluster: Cluster;
  readonly topic: sns.Topic;
  readonly checkCluster: lambda.IFunction;
  readonly observer: lambda.IFunction;
}

/** From this status on nobody can rely on the database. */
const firstCritical: Status = 'writes-blocked';

/**
 * What watches the watcher: that checks happen, and that they work, is told to the subscribers of the alerts. What
 * the checks find is told by them; the alarm on it is silent, so that nobody is told twice, and there to be seen on
 * the dashboard and to be used by automation of one's own.
 */
export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, { cluster, topic, checkCluster, observer }: AlarmsProps) {
    super(scope, id);
    const { region } = cluster.network;
    const { dashboard, function: functionName } = resourceNames(cluster.name);
    const log = functionLogLink(region, functionName('check-cluster'));

    const stopped = this.alarm(cluster, 'checker-stopped', {
      alarmDescription:
        `No check of ${cluster.name} has been completed for three minutes: nobody watches this cluster, and no alert ` +
        `would come. The database itself may be well. Log of the checker: ${log}`,
      // Recorded by every completed check, so that the dead man's switch costs no metric of its own.
      metric: clusterMetric(cluster, 'CheckSeconds', 'SampleCount'),
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: 3,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
    const failing = this.alarm(cluster, 'checker-failing', {
      alarmDescription:
        `Checks of ${cluster.name} fail again and again: alerts may come late or not at all. The database itself may ` +
        `be well. Log of the checker: ${log} and of the observer: ` +
        functionLogLink(region, functionName('observe-cluster')),
      metric: failures(checkCluster, observer),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: 1,
      // One failure among many checks is made good by the next one.
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    const status = this.alarm(cluster, 'status', {
      alarmDescription:
        `The status of ${cluster.name} is ${firstCritical} or worse. The checker sends an alert about the same with ` +
        `cause and remedy. Dashboard: ${dashboardLink(region, dashboard)}`,
      metric: clusterMetric(cluster, 'Status'),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      threshold: statuses.indexOf(firstCritical),
      evaluationPeriods: 1,
      // No check, no news: that is for the alarm on the checker.
      treatMissingData: cloudwatch.TreatMissingData.IGNORE,
    });
    this.publish(topic, [stopped, failing]);
    this.all = [status, stopped, failing];
  }

  private alarm(cluster: Cluster, name: AlarmName, props: cloudwatch.AlarmProps): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, name, { alarmName: resourceNames(cluster.name).alarm(name), ...props });
  }

  private publish(topic: sns.Topic, alarms: cloudwatch.Alarm[]): void {
    const action = new SnsAction(topic);
    for (const alarm of alarms) {
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'AlarmsPublish',
        principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: {
          ArnEquals: { 'aws:SourceArn': alarms.map(({ alarmArn }) => alarmArn) },
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account },
        },
      }),
    );
  }
}
