/** Amazon SQS: sending, receiving and deleting messages of standard queues. */
import * as z from 'zod';
import { AwsError } from '../protocols/aws-error.ts';
import type { Message, Queue } from '../queues/queue.ts';
import type { Queues } from '../queues/queues.ts';
import { operation, page, type Service } from './service.ts';

const queueUrl = { QueueUrl: z.string() };
const delay = z.int().min(0).max(900).optional();
const visibility = z.int().min(0).max(43_200);

/** Most entries of a batch. */
const mostEntries = 10;

function send(queue: Queue, body: string, delaySeconds: number | undefined): Message {
  if (body === '') throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (Buffer.byteLength(body) > queue.facts.mostBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${queue.facts.mostBytes} bytes.`,
    );
  }
  return queue.send(body, delaySeconds);
}

/** Refuses a batch that SQS refuses as a whole. */
function checkBatch(entries: readonly { readonly Id: string }[]): void {
  if (entries.length === 0) throw new AwsError('EmptyBatchRequest', 'There should be at least one entry.');
  if (entries.length > mostEntries) {
    throw new AwsError('TooManyEntriesInBatchRequest', `Maximum number of entries per request are ${mostEntries}.`);
  }
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length) {
    throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more batch entries have the same Id.');
  }
}

/** Carries out each entry of a batch; one that fails does not stop the others. */
function eachOf<E extends { readonly Id: string }>(entries: readonly E[], run: (entry: E) => object) {
  checkBatch(entries);
  const outcomes = entries.map((entry) => {
    try {
      return { Id: entry.Id, ...run(entry) };
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return { Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message };
    }
  });
  return {
    Successful: outcomes.filter((outcome) => !('SenderFault' in outcome)),
    Failed: outcomes.filter((outcome) => 'SenderFault' in outcome),
  };
}

function systemAttributes(message: Message, account: string): Record<string, string> {
  return {
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    SentTimestamp: String(message.sentAt),
    SenderId: account,
  };
}

function queueAttributes(queue: Queue): Record<string, string> {
  const { arn, created, delaySeconds, retentionSeconds, visibilitySeconds, waitSeconds, mostBytes } = queue.facts;
  const { visible, delayed, inFlight } = queue.counts();
  const seconds = String(Math.floor(created.getTime() / 1000));
  return {
    QueueArn: arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    CreatedTimestamp: seconds,
    LastModifiedTimestamp: seconds,
    DelaySeconds: String(delaySeconds),
    MaximumMessageSize: String(mostBytes),
    MessageRetentionPeriod: String(retentionSeconds),
    ReceiveMessageWaitTimeSeconds: String(waitSeconds),
    VisibilityTimeout: String(visibilitySeconds),
  };
}

/** The entries of these names, or all of them for `All`. */
function pick(attributes: Record<string, string>, names: readonly string[]): Record<string, string> {
  if (names.includes('All')) return attributes;
  const unknown = names.filter((name) => !Object.hasOwn(attributes, name));
  if (unknown.length > 0) {
    throw new AwsError('InvalidAttributeName', `${unknown.join(', ')}: not served by the local runtime`);
  }
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.includes(name)));
}

/** The SQS API over the queues of the assembly. */
export function sqsService(queues: Queues): Service {
  const names = z.array(z.string()).default([]);
  return {
    name: 'sqs',
    protocol: 'json',
    operations: {
      SendMessage: operation(
        z.strictObject({ ...queueUrl, MessageBody: z.string(), DelaySeconds: delay }),
        ({ QueueUrl, MessageBody, DelaySeconds }, { region }) => {
          const { id, bodyMd5 } = send(queues.byUrl(QueueUrl, region), MessageBody, DelaySeconds);
          return { MessageId: id, MD5OfMessageBody: bodyMd5 };
        },
      ),
      SendMessageBatch: operation(
        z.strictObject({
          ...queueUrl,
          Entries: z.array(z.strictObject({ Id: z.string(), MessageBody: z.string(), DelaySeconds: delay })),
        }),
        ({ QueueUrl, Entries }, { region }) => {
          const queue = queues.byUrl(QueueUrl, region);
          return eachOf(Entries, ({ MessageBody, DelaySeconds }) => {
            const { id, bodyMd5 } = send(queue, MessageBody, DelaySeconds);
            return { MessageId: id, MD5OfMessageBody: bodyMd5 };
          });
        },
      ),
      ReceiveMessage: operation(
        z.strictObject({
          ...queueUrl,
          MaxNumberOfMessages: z.int().min(1).max(10).default(1),
          VisibilityTimeout: visibility.optional(),
          WaitTimeSeconds: z.int().min(0).max(20).optional(),
          AttributeNames: names,
          MessageSystemAttributeNames: names,
          // Messages have none.
          MessageAttributeNames: names,
        }),
        async (input, { region }) => {
          const queue = queues.byUrl(input.QueueUrl, region);
          const wait = input.WaitTimeSeconds ?? queue.facts.waitSeconds;
          const received = await queue.receive(input.MaxNumberOfMessages, wait, input.VisibilityTimeout);
          const wanted = [...input.AttributeNames, ...input.MessageSystemAttributeNames];
          return {
            Messages: received.map((message) => ({
              MessageId: message.id,
              ReceiptHandle: message.receiptHandle,
              Body: message.body,
              MD5OfBody: message.bodyMd5,
              Attributes: pick(systemAttributes(message, queue.facts.account), wanted),
            })),
          };
        },
      ),
      DeleteMessage: operation(
        z.strictObject({ ...queueUrl, ReceiptHandle: z.string() }),
        ({ QueueUrl, ReceiptHandle }, { region }) => queues.byUrl(QueueUrl, region).delete(ReceiptHandle),
      ),
      DeleteMessageBatch: operation(
        z.strictObject({
          ...queueUrl,
          Entries: z.array(z.strictObject({ Id: z.string(), ReceiptHandle: z.string() })),
        }),
        ({ QueueUrl, Entries }, { region }) => {
          const queue = queues.byUrl(QueueUrl, region);
          return eachOf(Entries, ({ ReceiptHandle }) => {
            queue.delete(ReceiptHandle);
            return {};
          });
        },
      ),
      ChangeMessageVisibility: operation(
        z.strictObject({ ...queueUrl, ReceiptHandle: z.string(), VisibilityTimeout: visibility }),
        ({ QueueUrl, ReceiptHandle, VisibilityTimeout }, { region }) => {
          if (!queues.byUrl(QueueUrl, region).hideFor(ReceiptHandle, VisibilityTimeout)) {
            throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
          }
        },
      ),
      GetQueueUrl: operation(z.strictObject({ QueueName: z.string() }), ({ QueueName }, { region }) => ({
        QueueUrl: queues.byName(QueueName, region).facts.url,
      })),
      GetQueueAttributes: operation(
        z.strictObject({ ...queueUrl, AttributeNames: names }),
        ({ QueueUrl, AttributeNames }, { region }) => ({
          Attributes: pick(queueAttributes(queues.byUrl(QueueUrl, region)), AttributeNames),
        }),
      ),
      ListQueues: operation(
        z.strictObject({
          QueueNamePrefix: z.string().optional(),
          MaxResults: z.int().min(1).max(1000).optional(),
          NextToken: z.string().optional(),
        }),
        ({ QueueNamePrefix = '', MaxResults, NextToken }, { region }) => {
          const found = queues.list(region).filter(({ facts }) => facts.name.startsWith(QueueNamePrefix));
          const { items, nextToken } = page(found, MaxResults, NextToken, 1000);
          return { QueueUrls: items.map(({ facts }) => facts.url), NextToken: nextToken };
        },
      ),
    },
  };
}
