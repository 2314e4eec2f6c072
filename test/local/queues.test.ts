/** Queues through the SDK, and what Lambda takes from them. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Queue } from '../../local/queues/queue.ts';
import { account, region, topicArn } from './fixture/assembly.ts';
import { eventually, type Fixture, startFixture } from './fixture/runtime.ts';

let fixture: Fixture;
let sqs: SQSClient;
beforeAll(async () => {
  fixture = await startFixture();
  sqs = new SQSClient(fixture.client);
});
afterAll(() => fixture.end());

const url = (name: string) => `https://sqs.${region}.amazonaws.com/${account}/fixture-${name}`;
const QueueUrl = url('plain');
const receive = async (more: object = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, ...more }))).Messages ?? [];

/** Lines of the consuming function's log that hold a text. */
async function consumed(text: string): Promise<string[]> {
  const logs = new CloudWatchLogsClient(fixture.client);
  const logGroupName = '/aws/lambda/fixture-consume';
  const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: `"${text}"` }));
  return events.map(({ message }) => message ?? '');
}

describe('a queue', () => {
  test('is found by its name and says what it is', async () => {
    expect((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'fixture-p' }))).QueueUrls).toEqual([QueueUrl]);
    expect((await sqs.send(new GetQueueUrlCommand({ QueueName: 'fixture-plain' }))).QueueUrl).toBe(QueueUrl);
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    expect(Attributes).toMatchObject({
      QueueArn: `arn:aws:sqs:${region}:${account}:fixture-plain`,
      VisibilityTimeout: '1',
      MessageRetentionPeriod: '345600',
    });
    await expect(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  test('hides a received message, shows it again, and forgets it when it is deleted', async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'once' }));
    const [first] = await receive();
    expect(first?.Body).toBe('once');
    expect(await receive()).toEqual([]);
    const [second] = await receive({ WaitTimeSeconds: 5, MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second).toMatchObject({ MessageId: first?.MessageId, Attributes: { ApproximateReceiveCount: '2' } });
    // The receipt of an earlier receive counts no more.
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: second?.ReceiptHandle, VisibilityTimeout: 0 }),
    );
    const [third] = await receive();
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: third?.ReceiptHandle }));
    expect(await receive({ WaitTimeSeconds: 2 })).toEqual([]);
  });

  test('delays each message by itself, and ends a long poll when the first becomes visible', async () => {
    const started = Date.now();
    const entry = (Id: string, DelaySeconds: number) => ({ Id, MessageBody: Id, DelaySeconds });
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [entry('late', 2), entry('soon', 1)] }));
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessagesDelayed'] }),
    );
    expect(Attributes).toEqual({ ApproximateNumberOfMessagesDelayed: '2' });
    for (const [body, after] of [
      ['soon', 1000],
      ['late', 2000],
    ] as const) {
      const [message] = await receive({ WaitTimeSeconds: 20 });
      expect(message?.Body).toBe(body);
      expect(Date.now() - started).toBeGreaterThanOrEqual(after);
      // Not only when the poll is over, which would be after 20 s.
      expect(Date.now() - started).toBeLessThan(after + 15_000);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    }
  });

  test('loses a message when the retention period is over, delayed or not', async () => {
    const facts = {
      name: 'q',
      arn: 'a',
      url: 'u',
      region,
      account,
      delaySeconds: 0,
      retentionSeconds: 0.2,
      visibilitySeconds: 1,
      waitSeconds: 0,
      mostBytes: 1024,
      created: new Date(),
    };
    const queue = new Queue(facts);
    queue.send('delayed', 0.3);
    expect(queue.counts()).toEqual({ visible: 0, delayed: 1, inFlight: 0 });
    expect(await queue.receive(1, 0.5)).toEqual([]);
    expect(queue.counts()).toEqual({ visible: 0, delayed: 0, inFlight: 0 });
  });

  const entries = (count: number, id: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => ({ Id: id(index), MessageBody: 'x' }));
  test.each([
    ['eleven entries', entries(11, String), 'TooManyEntriesInBatchRequest'],
    ['no entry', [], 'EmptyBatchRequest'],
    ['two entries of one id', entries(2, () => 'same'), 'BatchEntryIdsNotDistinct'],
  ])('refuses a batch of %s', async (_what, Entries, name) => {
    await expect(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({ name });
  });

  test('refuses what it does not serve, by name', async () => {
    const MessageAttributes = { a: { DataType: 'String', StringValue: 'b' } };
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes }))).rejects.toThrow(
      /MessageAttributes: not served/,
    );
  });
});

describe('Lambda', () => {
  const send = (MessageBody: string, DelaySeconds = 0) =>
    sqs.send(new SendMessageCommand({ QueueUrl: url('consumed'), MessageBody, DelaySeconds }));

  test('is invoked with a message when its delay is over', async () => {
    const started = Date.now();
    await send('delayed', 1);
    const [line] = await eventually(
      () => consumed('delayed'),
      ({ length }) => length > 0,
    );
    expect(line).toBe(`consumed delayed of arn:aws:sqs:${region}:${account}:fixture-consumed, receive 1`);
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000);
  });

  test('is invoked again with what it failed on, when the visibility timeout is over', async () => {
    await send('fails first');
    const lines = await eventually(
      () => consumed('consumed fails first'),
      ({ length }) => length === 2,
    );
    expect(lines.map((line) => line.at(-1))).toEqual(['1', '2']);
    await eventually(
      () =>
        sqs.send(
          new GetQueueAttributesCommand({
            QueueUrl: url('consumed'),
            AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
          }),
        ),
      ({ Attributes }) => Object.values(Attributes ?? {}).every((count) => count === '0'),
    );
  });

  test('is invoked by a rate schedule as soon as the runtime has started', async () => {
    expect(
      await eventually(
        () => consumed('tick'),
        ({ length }) => length > 0,
      ),
    ).toEqual(['tick']);
  });
});

test('a topic delivers to a queue', async () => {
  const sns = new SNSClient(fixture.client);
  const Endpoint = `arn:aws:sqs:${region}:${account}:fixture-plain`;
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint }));
  const Message = JSON.stringify({ default: 'text', sqs: '{"status":"degraded"}' });
  await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: 's', Message, MessageStructure: 'json' }));
  const [message] = await receive({ WaitTimeSeconds: 5 });
  expect(JSON.parse(message?.Body ?? '{}')).toMatchObject({
    Type: 'Notification',
    Subject: 's',
    Message: '{"status":"degraded"}',
  });
});
