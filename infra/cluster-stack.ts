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
import { Runbooks } from './runbooks/runbooks.ts';
import { StateTable } from './state-table.ts';
import { version } from './version.ts';

/** Everything that sets up, watches and repairs one cluster. */
export class ClusterStack extends Stack {
  constructor(scope: Construct, cluster: Cluster, bundles: FunctionBundles) {
    const names = resourceNames(cluster.name);
    const { region, account } = cluster.network;
    super(scope, names.stack, {
      // By the version an operator knows which remarks of the README are about the stack.
      description: `Synchronous PostgreSQL replication: ${cluster.name} (version ${version})`,
      env: { region, ...(account !== undefined && { account }) },
      // CloudFormation takes a megabyte, and the scripts of the documents are most of it: no room for spaces.
      suppressTemplateIndentation: true,
    });
    Validations.of(this).acknowledge({
      id: 'Annotation::@aws-cdk/core:Stack.templateSize',
      reason: 'documents are packed before the template becomes too large, and template-size.ts refuses it then',
    });
    const network = new Network(this, 'Network', cluster);
    const credentials = new Credentials(this, 'Credentials', cluster);
    const { table } = new StateTable(this, 'State', cluster);
    const { topic } = new Alerts(this, 'Alerts', cluster);
    const { queue } = new ChecksQueue(this, 'ChecksQueue', cluster);
    const documents = new CommandDocuments(this, 'Commands', cluster);
    const commandLog = logGroup(this, 'CommandLog', names.commandLogGroup);
    const hosts = new HostPolicy(this, 'Hosts', { cluster, credentials, commandLog });

    const functions = new ClusterFunctions(this, 'Functions', {
      cluster,
      bundles,
      network,
      credentials,
      stateTable: table,
      topic,
      checksQueue: queue,
      documentArns: documents.sentByRunbooks,
    });
    const { stateMachines } = new Runbooks(this, 'Runbooks', { cluster, functions });
    new Completion(this, 'Completion', {
      cluster,
      documentNames: documents.names,
      completeNodeCommand: functions.get('complete-node-command'),
      sweepNodeCommands: functions.get('sweep-node-commands'),
      releaseLock: functions.get('release-lock'),
      announceRunbook: functions.get('announce-runbook'),
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
      runbooks: stateMachines,
      checkCluster,
      observer,
      widget: functions.get('dashboard-widget'),
    });
    new Outputs(this, 'Outputs', {
      cluster,
      runbooks: stateMachines,
      topicArn: topic.topicArn,
      allowHosts: hosts.command,
      addRules: network.rulesToAdd,
    });
  }
}
