import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';

/** The cluster's small state: a few items, read and written by key. Which there are: `stateItems` of the contract. */
export class StateTable extends Construct {
  readonly table: dynamodb.Table;

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    this.table = new dynamodb.Table(this, 'Table', {
      tableName: resourceNames(cluster.name).stateTable,
      partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      // DynamoDB's own key: nothing in the table is secret, and it costs nothing.
      encryption: dynamodb.TableEncryption.DEFAULT,
      // Holds nothing that outlives the stack, and a table left behind would block its name for the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}
