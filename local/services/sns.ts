/** Amazon SNS: publishing and subscriptions. */
import * as z from 'zod';
import { AwsError } from '../protocols/aws-error.ts';
import type { Subscription, Topics } from '../topics/topics.ts';
import { operation, page, type Service } from './service.ts';

/** Fields of Publish, as the query protocol and Step Functions name them. */
const publishInput = z.strictObject({
  TopicArn: z.string(),
  Message: z.string(),
  Subject: z.string().optional(),
  MessageStructure: z.literal('json').optional(),
  MessageAttributes: z
    .union([
      z.array(
        z.strictObject({
          Name: z.string(),
          Value: z.strictObject({ DataType: z.string(), StringValue: z.string() }),
        }),
      ),
      z.record(z.string(), z.strictObject({ DataType: z.string(), StringValue: z.string() })),
    ])
    .optional(),
});

type PublishInput = z.output<typeof publishInput>;

function publish(topics: Topics, input: PublishInput): { MessageId: string } {
  const given = input.MessageAttributes ?? [];
  const attributes = (
    Array.isArray(given) ? given.map(({ Name, Value }) => [Name, Value] as const) : Object.entries(given)
  ).map(([name, { DataType, StringValue }]) => [name, { Type: DataType, Value: StringValue }] as const);
  const MessageId = topics.publish({
    topicArn: input.TopicArn,
    message: input.Message,
    subject: input.Subject,
    isJson: input.MessageStructure === 'json',
    attributes: Object.fromEntries(attributes),
  });
  return { MessageId };
}

/** Publishes for a state machine's task, which Step Functions does without a request that the endpoint would see. */
export function publishFromTask(
  topics: Topics,
  input: unknown,
  check: (input: unknown) => void,
): { MessageId: string } {
  check(input);
  const parsed = publishInput.safeParse(input);
  if (!parsed.success)
    throw new AwsError(
      'InvalidParameter',
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    );
  return publish(topics, parsed.data);
}

function describe(topics: Topics, subscription: Subscription) {
  return {
    SubscriptionArn: subscription.confirmed ? subscription.arn : 'PendingConfirmation',
    Owner: topics.find(subscription.topicArn).account,
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    TopicArn: subscription.topicArn,
  };
}

/** The SNS API over the topics of the assembly. */
export function snsService(topics: Topics): Service {
  const token = { NextToken: z.string().optional() };
  return {
    name: 'sns',
    protocol: 'query',
    namespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
    operations: {
      Publish: operation(publishInput, (input) => publish(topics, input), 'InvalidParameter'),
      Subscribe: operation(
        z.strictObject({
          TopicArn: z.string(),
          Protocol: z.string(),
          Endpoint: z.string(),
          ReturnSubscriptionArn: z.stringbool().default(false),
        }),
        ({ TopicArn, Protocol, Endpoint, ReturnSubscriptionArn }) => {
          const { arn, confirmed } = topics.subscribe(TopicArn, Protocol, Endpoint);
          return { SubscriptionArn: confirmed || ReturnSubscriptionArn ? arn : 'pending confirmation' };
        },
        'InvalidParameter',
      ),
      ConfirmSubscription: operation(
        z.strictObject({ TopicArn: z.string(), Token: z.string() }),
        ({ TopicArn, Token }) => ({ SubscriptionArn: topics.confirm(TopicArn, Token).arn }),
        'InvalidParameter',
      ),
      Unsubscribe: operation(
        z.strictObject({ SubscriptionArn: z.string() }),
        ({ SubscriptionArn }) => {
          topics.unsubscribe(SubscriptionArn);
          return {};
        },
        'InvalidParameter',
      ),
      ListTopics: operation(z.strictObject(token), ({ NextToken }, { region }) => {
        const { items, nextToken } = page(topics.list(region), undefined, NextToken, 100);
        return { Topics: items.map(({ arn }) => ({ TopicArn: arn })), NextToken: nextToken };
      }),
      GetTopicAttributes: operation(z.strictObject({ TopicArn: z.string() }), ({ TopicArn }) => {
        const topic = topics.find(TopicArn);
        const subscriptions = topics.subscriptions({ topicArn: TopicArn });
        return {
          Attributes: new Map([
            ['TopicArn', topic.arn],
            ['Owner', topic.account],
            ['DisplayName', topic.displayName],
            ['SubscriptionsConfirmed', String(subscriptions.filter(({ confirmed }) => confirmed).length)],
            ['SubscriptionsPending', String(subscriptions.filter(({ confirmed }) => !confirmed).length)],
            ['SubscriptionsDeleted', '0'],
          ]),
        };
      }),
      ListSubscriptions: operation(z.strictObject(token), ({ NextToken }, { region }) => {
        const { items, nextToken } = page(topics.subscriptions({ region }), undefined, NextToken, 100);
        return { Subscriptions: items.map((subscription) => describe(topics, subscription)), NextToken: nextToken };
      }),
      ListSubscriptionsByTopic: operation(
        z.strictObject({ TopicArn: z.string(), ...token }),
        ({ TopicArn, NextToken }) => {
          topics.find(TopicArn);
          const { items, nextToken } = page(topics.subscriptions({ topicArn: TopicArn }), undefined, NextToken, 100);
          return { Subscriptions: items.map((subscription) => describe(topics, subscription)), NextToken: nextToken };
        },
      ),
    },
  };
}
