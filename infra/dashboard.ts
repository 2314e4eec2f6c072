import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { statuses } from '../lambdas/contract/health.ts';
import { type RunbookName, resourceNames } from '../lambdas/contract/names.ts';
import { clusterMetric, failures, nodeMetrics } from './checker-metrics.ts';
import { functionLogLink, stateMachineLink } from './console-links.ts';

export interface DashboardProps {
  readonly cluster: Cluster;
  readonly alarms: cloudwatch.IAlarm[];
  readonly runbooks: Readonly<Record<RunbookName, sfn.IStateMachine>>;
  readonly checkCluster: lambda.IFunction;
  readonly observer: lambda.IFunction;
  readonly widget: lambda.IFunction;
}

/** Columns of a dashboard. */
const fullWidth = 24;
const third = fullWidth / 3;

/** One page per cluster: how it is, how it has been, and where its runbooks are. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    new cloudwatch.Dashboard(this, 'Resource', {
      dashboardName: resourceNames(props.cluster.name).dashboard,
      defaultInterval: Duration.hours(3),
      widgets: [[links(props)], [picture(props)], overview(props), writes(props), standbys(props)],
    });
  }
}

function links({ cluster, runbooks }: DashboardProps): cloudwatch.IWidget {
  const { region } = cluster.network;
  const runbookLinks = Object.entries(runbooks).map(
    ([name, { stateMachineArn }]) => `[${name}](${stateMachineLink(region, stateMachineArn)})`,
  );
  const logLinks = ['check-cluster', 'observe-cluster'].map(
    (name) => `[${name}](${functionLogLink(region, resourceNames(cluster.name).function(name))})`,
  );
  const nodes = cluster.nodes.map(({ name, address, instanceId }) => `${name} (${address}, ${instanceId})`);
  return new cloudwatch.TextWidget({
    width: fullWidth,
    height: 3,
    markdown: [
      `## ${cluster.name}`,
      `Nodes: ${nodes.join(', ')}`,
      '',
      `Runbooks: ${runbookLinks.join(', ')} | Logs: ${logLinks.join(', ')}`,
    ].join('\n'),
  });
}

/** The cluster as it is at this moment, drawn by a function at each refresh: no metric says it in words. */
function picture({ cluster, widget }: DashboardProps): cloudwatch.IWidget {
  return new cloudwatch.CustomWidget({
    title: `${cluster.name} now`,
    functionArn: widget.functionArn,
    updateOnRefresh: true,
    updateOnResize: true,
    // It shows the present, whatever time the graphs show.
    updateOnTimeRangeChange: false,
    width: fullWidth,
    // The status, the picture and the table of three nodes; more scrolls within the widget.
    height: 16,
  });
}

function overview({ cluster, alarms, checkCluster, observer }: DashboardProps): cloudwatch.IWidget[] {
  return [
    new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms, width: third, height: 6 }),
    new cloudwatch.GraphWidget({
      title: 'Status',
      left: [clusterMetric(cluster, 'Status')],
      leftYAxis: { min: 0, max: statuses.length - 1, showUnits: false },
      leftAnnotations: statuses.map((label, value) => ({ label, value, color: cloudwatch.Color.GREY })),
      width: third,
    }),
    new cloudwatch.GraphWidget({
      title: 'Checks',
      left: [clusterMetric(cluster, 'CheckSeconds')],
      leftYAxis: { min: 0, label: 'Seconds', showUnits: false },
      right: [failures(checkCluster, observer)],
      rightYAxis: { min: 0, label: 'Failures', showUnits: false },
      width: third,
    }),
  ];
}

function writes({ cluster }: DashboardProps): cloudwatch.IWidget[] {
  return [
    new cloudwatch.GraphWidget({
      title: 'Standbys',
      // The fewest within a minute: a short absence must show.
      left: [
        clusterMetric(cluster, 'StandbysStreaming', 'Minimum'),
        clusterMetric(cluster, 'SynchronousStandbys', 'Minimum'),
      ],
      leftYAxis: { min: 0, max: cluster.nodes.length, showUnits: false },
      leftAnnotations: [{ label: 'needed for a commit', value: cluster.replication.count }],
      width: third,
    }),
    graph('Sessions whose commit waits for a standby', [clusterMetric(cluster, 'BlockedSessions')], 'Sessions'),
    graph('Oldest wait for a standby', [clusterMetric(cluster, 'OldestWaitSeconds')], 'Seconds'),
  ];
}

function standbys({ cluster }: DashboardProps): cloudwatch.IWidget[] {
  const { lagWarningBytes, lagWarningSeconds } = cluster.monitoring;
  return [
    graph('Lag by bytes', nodeMetrics(cluster, 'LagBytes'), 'Bytes', lagWarningBytes),
    graph('Lag by time', nodeMetrics(cluster, 'LagSeconds'), 'Seconds', lagWarningSeconds),
    graph('Most WAL kept by a slot', [clusterMetric(cluster, 'SlotRetainedBytes')], 'Bytes'),
  ];
}

function graph(title: string, left: cloudwatch.IMetric[], label: string, warning?: number): cloudwatch.IWidget {
  return new cloudwatch.GraphWidget({
    title,
    left,
    leftYAxis: { min: 0, label, showUnits: false },
    leftAnnotations: warning === undefined ? [] : [{ label: 'warning', value: warning }],
    width: third,
  });
}
