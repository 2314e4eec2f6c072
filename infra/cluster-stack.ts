import { Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import { Alarms } from './alarms.ts';
import { Alerts } from './alerts.ts';
import type { FunctionBundles } from './bundle-functions.ts';
import { Checking } from './checking.ts';
import { ChecksQueue } from './checks-queue.ts';
import { CommandDocuments } from './command-documents.ts';
import { Completion } from './completion.ts';
import { Credentials } from './credentials.ts';
import { Dashboard } from './dashboard.ts';
import { ClusterFunctions } from './functions.ts';
import { HostPolicy } from './host-policy.ts';
import { logGroup } from './log-groups.ts';
import { Network } from './network.ts';
import { Outputs } from './outputs.ts';
import { SetupRunbook } from './runbooks/setup.ts';
import { StateTable } from './state-table.ts';
import { acknowledgeWildcard } from './wildcards.ts';

/** Everything that sets up, watches and repairs one cluster. */
export class ClusterStack extends Stack {
  constructor(scope: Construct, cluster: Cluster, bundles: FunctionBundles) {
    const names = resourceNames(cluster.name);
    const { region, account } = cluster.network;
    super(scope, names.stack, {
      description: `Synchronous PostgreSQL replication: ${cluster.name}`,
      env: { region, ...(account !== undefined && { account }) },
    });
    const network = new Network(this, 'Network', cluster);
    const credentials = new Credentials(this, 'Credentials', cluster);
    const { table } = new StateTable(this, 'State', cluster);
    const { topic } = new Alerts(this, 'Alerts', cluster);
    const { queue } = new ChecksQueue(this, 'ChecksQueue', cluster);
    const documents = new CommandDocuments(this, 'Commands', cluster);
    const commandLog = logGroup(this, 'CommandLog', names.commandLogGroup);
    new HostPolicy(this, 'Hosts', { cluster, credentials, commandLog });

    const functions = new ClusterFunctions(this, 'Functions', {
      cluster,
      bundles,
      network,
      credentials,
      stateTable: table,
      topic,
      checksQueue: queue,
      commandLog,
      documentArns: documents.arns,
    });
    const setup = new SetupRunbook(this, 'Setup', {
      cluster,
      functions: {
        runNodeCommand: functions.get('run-node-command'),
        acquireLock: functions.get('acquire-lock'),
        releaseLock: functions.get('release-lock'),
        planSetup: functions.get('plan-setup'),
        verifyReplication: functions.get('verify-replication'),
      },
      logGroup: logGroup(this, 'SetupLog', names.runbookLogGroup('setup')),
    });
    acknowledgeWildcard(setup, {
      resource: '*',
      reason: 'The actions of log delivery and X-Ray have no resource type.',
    });
    Validations.of(setup).acknowledge({
      id: 'AwsSolutions-SF1',
      reason:
        'An execution keeps its whole history for 90 days by itself; the log holds what went wrong, without the data.',
    });
    new Completion(this, 'Completion', {
      cluster,
      documentNames: documents.names,
      completeNodeCommand: functions.get('complete-node-command'),
      sweepNodeCommands: functions.get('sweep-node-commands'),
      releaseLock: functions.get('release-lock'),
    });
    const checkCluster = functions.get('check-cluster');
    const observer = functions.get('observe-cluster');
    new Checking(this, 'Checking', {
      cluster,
      queue,
      scheduleChecks: functions.get('schedule-checks'),
      checkCluster,
    });
    const alarms = new Alarms(this, 'Alarms', { cluster, topic, checkCluster, observer });
    new Dashboard(this, 'Overview', {
      cluster,
      alarms: alarms.all,
      runbooks: { setup: setup.stateMachine },
      checkCluster,
      observer,
    });
    new Outputs(this, 'Outputs', { cluster, setup: setup.stateMachine, topicArn: topic.topicArn });
  }
}
