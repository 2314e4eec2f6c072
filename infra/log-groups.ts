import { RemovalPolicy } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** How long logs are kept: long enough to look into an incident of the last quarter. */
const retention = logs.RetentionDays.THREE_MONTHS;

/**
 * A log group under a fixed name. It goes with the stack: one left behind would block its name for the next
 * deployment.
 */
export function logGroup(scope: Construct, id: string, logGroupName: string): logs.LogGroup {
  return new logs.LogGroup(scope, id, { logGroupName, retention, removalPolicy: RemovalPolicy.DESTROY });
}
