import { CfnDeletionPolicy, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';

/** The passwords of the replication and the monitoring role, generated in AWS and seen by nobody. */
export class Credentials extends Construct {
  readonly replication: secretsmanager.Secret;
  readonly monitoring: secretsmanager.Secret;

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    const names = resourceNames(cluster.name);
    this.replication = this.generate('Replication', names.replicationSecret, cluster.replication.user);
    this.monitoring = this.generate('Monitoring', names.monitoringSecret, cluster.monitoring.user);
  }

  private generate(id: string, secretName: string, username: string): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, id, {
      secretName,
      description: `PostgreSQL role ${username}`,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username }),
        generateStringKey: 'password',
        passwordLength: 32,
        // Letters and digits alone need no quoting in SQL, a connection string or a password file.
        excludePunctuation: true,
      },
      // CloudFormation deletes a secret without a recovery window, so its name is free for the next deployment:
      // https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1999. Nothing needs it meanwhile:
      // PostgreSQL holds verifiers, each standby the password in its passfile. Setup gives the roles the next ones.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // An update that should ever replace a secret leaves the one whose password the databases have.
    (secret.node.defaultChild as secretsmanager.CfnSecret).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'A rotation function would need a way into the database. The setup runbook sets the password of the secret ' +
        'on every node: put a new value in the secret and start it.',
    });
    return secret;
  }
}
