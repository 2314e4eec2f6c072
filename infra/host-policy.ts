import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import type { Credentials } from './credentials.ts';
import { allow } from './function-definitions.ts';

/**
 * What the hosts may do beyond being managed by SSM: read the cluster's passwords and show the progress of a copy
 * in the log group.
 *
 * An inline policy in the role `network.hostRoleName`: a role takes ten managed policies, but as many inline ones as
 * fit into 10,240 characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html), and a stack
 * that is deleted takes its own along. Without a named role the stack holds no policy, for one that somebody attached
 * by hand could not be deleted with it; the user runs {@link command} instead.
 */
export class HostPolicy extends Construct {
  /** Puts the policy into a role; undefined where the stack does. */
  readonly command: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    { cluster, credentials, commandLog }: { cluster: Cluster; credentials: Credentials; commandLog: logs.ILogGroup },
  ) {
    super(scope, id);
    const { hostRoleName, region } = cluster.network;
    // IAM is of no Region: clusters of the same name in two Regions may share a role.
    const policyName = `${resourceNames(cluster.name).hostPolicy}-${region}`;
    const statements = [
      allow(['secretsmanager:GetSecretValue'], [credentials.replication.secretArn, credentials.monitoring.secretArn]),
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [commandLog.logGroupArn]),
    ];
    if (hostRoleName === undefined) {
      this.command = putRolePolicy(Stack.of(this), policyName, new iam.PolicyDocument({ statements }));
      return;
    }
    const roles = [iam.Role.fromRoleName(this, 'HostRole', hostRoleName)];
    new iam.Policy(this, 'InRole', { policyName, statements, roles });
  }
}

/** The command that does what the stack does where it knows the role. */
function putRolePolicy(stack: Stack, policyName: string, document: iam.PolicyDocument): string {
  const policy = stack.toJsonString(document);
  return `aws iam put-role-policy --role-name ROLE --policy-name ${policyName} --policy-document '${policy}'`;
}
