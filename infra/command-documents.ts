import { Stack } from 'aws-cdk-lib';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import { isByHand } from '../lambdas/contract/node-commands.ts';
import { commandDocuments } from './documents/command-documents.ts';

/** The SSM command documents of a cluster: all that can be asked of its hosts. */
export class CommandDocuments extends Construct {
  readonly names: string[];
  /** ARNs of those that runbooks send. */
  readonly sentByRunbooks: string[];

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    const stack = Stack.of(this);
    const { replicationSecret, monitoringSecret } = resourceNames(cluster.name);
    const documents = commandDocuments(cluster, {
      replicationSecretId: replicationSecret,
      monitoringSecretId: monitoringSecret,
      region: cluster.network.region,
    });
    for (const { name, command, content } of documents) {
      new ssm.CfnDocument(this, command, {
        name,
        content,
        documentType: 'Command',
        documentFormat: 'JSON',
        targetType: '/AWS::EC2::Instance',
        // The default, Replace, would need another name for every change.
        updateMethod: 'NewVersion',
      });
    }
    this.names = documents.map(({ name }) => name);
    this.sentByRunbooks = documents
      .filter(({ command }) => !isByHand(command))
      .map(({ name }) => stack.formatArn({ service: 'ssm', resource: 'document', resourceName: name }));
  }
}
