import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import type { Credentials } from './credentials.ts';
import { acknowledgeWildcard } from './wildcards.ts';

/**
 * What the hosts may do beyond being managed by SSM: read the cluster's passwords and stream the output of our
 * commands to their log group. Attached to `network.hostRoleName`, or by the user to the role of the instances.
 */
export class HostPolicy extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { cluster, credentials, commandLog }: { cluster: Cluster; credentials: Credentials; commandLog: logs.ILogGroup },
  ) {
    super(scope, id);
    const { hostRoleName } = cluster.network;
    new iam.ManagedPolicy(this, 'Policy', {
      managedPolicyName: resourceNames(cluster.name).hostPolicy,
      // No description: a change of it would replace the policy, which its fixed name does not allow.
      statements: [
        new iam.PolicyStatement({
          actions: ['secretsmanager:GetSecretValue'],
          resources: [credentials.replication.secretArn, credentials.monitoring.secretArn],
        }),
        new iam.PolicyStatement({
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
          resources: [commandLog.logGroupArn],
        }),
        new iam.PolicyStatement({ actions: ['logs:DescribeLogGroups'], resources: ['*'] }),
      ],
      roles: hostRoleName ? [iam.Role.fromRoleName(this, 'HostRole', hostRoleName)] : [],
    });
    acknowledgeWildcard(this, {
      resource: '*',
      reason:
        'logs:DescribeLogGroups has no resource type, and the SSM agent streams no output before it has found its ' +
        'log group with it.',
    });
  }
}
