import { CfnOutput, Stack } from 'aws-cdk-lib';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { type RunbookName, resourceNames, runbookNames } from '../lambdas/contract/names.ts';
import { dashboardLink, stateMachineLink } from './console-links.ts';
import { constructId } from './runbooks/runbooks.ts';

/** What an operator needs after `cdk deploy`, printed by it and shown in the CloudFormation console. */
export class Outputs extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      cluster,
      runbooks,
      topicArn,
      allowHosts,
      addRules,
    }: {
      cluster: Cluster;
      runbooks: Readonly<Record<RunbookName, sfn.IStateMachine>>;
      topicArn: string;
      /** Commands of what the stack leaves to the user. */
      allowHosts: string | undefined;
      addRules: string | undefined;
    },
  ) {
    super(scope, id);
    const { region } = cluster.network;
    if (allowHosts !== undefined) {
      this.output(
        'AllowHosts',
        'Run once: lets the hosts read their passwords; ROLE is the role of the instances',
        allowHosts,
      );
    }
    if (addRules !== undefined)
      this.output('AddRules', 'Run once: opens PostgreSQL to the nodes and the observer', addRules);
    for (const name of runbookNames) {
      const link = stateMachineLink(region, runbooks[name].stateMachineArn);
      this.output(`${constructId(name)}Runbook`, `The ${name} runbook in the console`, link);
    }
    this.output(
      'StartSetup',
      'Starts the setup runbook',
      `aws stepfunctions start-execution --region ${region} --state-machine-arn ${runbooks.setup.stateMachineArn}`,
    );
    this.output('Dashboard', 'How the cluster is', dashboardLink(region, resourceNames(cluster.name).dashboard));
    this.output('AlertsTopicArn', 'Topic that alerts are published to', topicArn);
    this.output('ConnectionString', 'Connects to whichever node is the primary', connectionString(cluster));
  }

  private output(key: string, description: string, value: string): void {
    // The key is the output's logical id, without the path of constructs in front of it.
    new CfnOutput(Stack.of(this), key, { description, value });
  }
}

/** libpq tries the hosts in turn and keeps the one that accepts writes. */
function connectionString({ nodes, postgres }: Cluster): string {
  const hosts = nodes.map((node) => `${node.address}:${node.port ?? postgres.port}`).join(',');
  return `postgresql://${hosts}/postgres?target_session_attrs=read-write`;
}
