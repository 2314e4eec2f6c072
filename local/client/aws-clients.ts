/** SDK clients of a running local runtime: the ordinary ones, pointed at its endpoint. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';

/** Clients for one region of the runtime. */
export interface LocalClients {
  readonly sfn: SFNClient;
  readonly ssm: SSMClient;
  readonly secrets: SecretsManagerClient;
  readonly dynamodb: DynamoDBClient;
  readonly ec2: EC2Client;
  readonly sns: SNSClient;
  readonly logs: CloudWatchLogsClient;
}

/** The runtime verifies no signatures, so any credentials do. */
export function localClients(endpoint: string, region: string): LocalClients {
  const config = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  return {
    sfn: new SFNClient(config),
    ssm: new SSMClient(config),
    secrets: new SecretsManagerClient(config),
    dynamodb: new DynamoDBClient(config),
    ec2: new EC2Client(config),
    sns: new SNSClient(config),
    logs: new CloudWatchLogsClient(config),
  };
}
