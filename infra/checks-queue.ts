import { Duration, Validations } from 'aws-cdk-lib';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Cluster } from '../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../lambdas/contract/names.ts';
import { checkRetentionSeconds } from '../lambdas/contract/time-limits.ts';

/**
 * Checks to come, one message each, delayed until its time. EventBridge Scheduler is never finer than a minute; a
 * delayed message is as fine as a second.
 */
export class ChecksQueue extends Construct {
  readonly queue: sqs.Queue;

  constructor(scope: Construct, id: string, cluster: Cluster) {
    super(scope, id);
    this.queue = new sqs.Queue(this, 'Queue', {
      queueName: resourceNames(cluster.name).checksQueue,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.seconds(checkRetentionSeconds),
      // Not shorter than the retention: a check that failed is not repeated, the next one is seconds away. (AWS wants
      // six times the function's timeout, which is less.)
      visibilityTimeout: Duration.seconds(checkRetentionSeconds),
    });
    Validations.of(this.queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'A message says nothing but that it is time for a check; one that failed is worth nothing afterwards. Failing ' +
        'and missing checks raise alarms.',
    });
  }
}
