import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';

/** SQS takes this many messages in one call. */
const batchSize = 10;

// The endpoint is the region's, or the configured one, as for every other client: not whatever host a queue's URL names.
const client = new SQSClient({ useQueueUrlAsEndpoint: false });

/** Sends one message per delay (in seconds, up to 900); each asks for one check when its delay is over. */
export async function sendDelayed(queueUrl: string, delays: readonly number[]): Promise<void> {
  for (let start = 0; start < delays.length; start += batchSize) {
    const Entries = delays
      .slice(start, start + batchSize)
      .map((DelaySeconds, index) => ({ Id: `${index}`, MessageBody: '{}', DelaySeconds }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    if (Failed.length > 0)
      throw new Error(`SQS did not take ${Failed.length} of ${Entries.length} ticks: ${Failed[0]?.Message}`);
  }
}
