/** SNS topics, their subscriptions and deliveries. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { AccessControl } from '../access/access-control.ts';
import { serviceFor } from '../access/principal.ts';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { Functions } from '../functions/functions.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import type { Queues } from '../queues/queues.ts';
import type { MailFolder } from './mail-folder.ts';

/** A topic as deployed. */
export interface Topic {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly account: string;
  readonly displayName: string;
}

/** A subscriber of a topic. */
export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: Protocol;
  readonly endpoint: string;
  readonly raw: boolean;
  confirmed: boolean;
  /** Confirms the subscription; http subscribers get it in their first message. */
  readonly token: string;
}

const protocols = ['email', 'email-json', 'http', 'https', 'lambda', 'sqs'] as const;
export type Protocol = (typeof protocols)[number];

/** A message to publish. */
export interface Publication {
  readonly topicArn: string;
  readonly message: string;
  readonly subject: string | undefined;
  readonly isJson: boolean;
  readonly attributes: Readonly<Record<string, { readonly Type: string; readonly Value: string }>>;
}

/** Waits between the attempts of a delivery over HTTP; AWS goes on for longer. */
const retryMilliseconds = [500, 1_000, 2_000, 4_000, 8_000];
const deliveryTimeoutMilliseconds = 15_000;
const mostMessageBytes = 262_144;

function parseProtocol(protocol: string, where: string): Protocol {
  const found = protocols.find((known) => known === protocol);
  if (found !== undefined) return found;
  throw new Error(`${where}: protocol ${protocol} is not supported by the local runtime`);
}

/** The text for a protocol in a message with MessageStructure json. */
function textFor(publication: Publication, protocol: Protocol): string {
  if (!publication.isJson) return publication.message;
  const texts = JSON.parse(publication.message) as Record<string, string>;
  return texts[protocol] ?? texts.default ?? '';
}

/** Checks what SNS checks before it takes a message. */
function checkPublication({ message, subject, isJson }: Publication): void {
  const refuse = (text: string): never => {
    throw new AwsError('InvalidParameter', `Invalid parameter: ${text}`);
  };
  if (message === '') refuse('Empty message');
  if (Buffer.byteLength(message) > mostMessageBytes) refuse('Message too long');
  if (subject !== undefined && (subject.length > 100 || !/^[!-~][\u0020-\u007e]*$/.test(subject))) refuse('Subject');
  if (!isJson) return;
  let texts: unknown;
  try {
    texts = JSON.parse(message);
  } catch {
    refuse('Message Structure - JSON message body failed to parse');
  }
  const entries = typeof texts === 'object' && texts !== null ? (texts as Record<string, unknown>) : {};
  if (typeof entries.default !== 'string') refuse('Message Structure - No default entry in JSON message body');
}

/** All topics. */
export class Topics {
  readonly #topics = new Map<string, Topic>();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #functions: Functions;
  readonly #queues: Queues;
  readonly #access: AccessControl;
  readonly #mails: MailFolder;
  readonly #say: (line: string) => void;
  readonly #pace: Pace;
  readonly #stop = new AbortController();
  #endpoint = '';

  constructor(
    stacks: readonly Stack[],
    { functions, queues, access }: { functions: Functions; queues: Queues; access: AccessControl },
    mails: MailFolder,
    say: (line: string) => void,
    pace: Pace = ownPace,
  ) {
    this.#pace = pace;
    this.#functions = functions;
    this.#queues = queues;
    this.#access = access;
    this.#mails = mails;
    this.#say = say;
    for (const { stack, resource } of resourcesOf(stacks, 'AWS::SNS::Topic')) {
      const { properties } = resource;
      if (properties.FifoTopic === true)
        throw new Error(`Topic ${resource.id}: FIFO is not supported by the local runtime`);
      this.#topics.set(resource.id, {
        name: resource.attributes.TopicName ?? '',
        arn: resource.id,
        region: stack.region,
        account: stack.account,
        displayName: String(properties.DisplayName ?? ''),
      });
      for (const inline of (properties.Subscription ?? []) as { Protocol: string; Endpoint: string }[]) {
        this.#add(
          resource.id,
          `${resource.id}:${randomUUID()}`,
          parseProtocol(inline.Protocol, resource.logicalId),
          inline.Endpoint,
          false,
        );
      }
    }
    for (const { resource } of resourcesOf(stacks, 'AWS::SNS::Subscription')) {
      const { Protocol: protocol, Endpoint: target, TopicArn: topic, ...rest } = resource.properties;
      const { RawMessageDelivery: raw, RedrivePolicy: _redrive, ...unknown } = rest;
      if (Object.keys(unknown).length > 0) {
        throw new Error(
          `Subscription ${resource.logicalId}: ${Object.keys(unknown).join(', ')} is not supported by the local runtime`,
        );
      }
      this.#add(
        String(topic),
        resource.id,
        parseProtocol(String(protocol), resource.logicalId),
        String(target),
        raw === true,
      );
    }
  }

  #add(topicArn: string, arn: string, protocol: Protocol, endpoint: string, raw: boolean): Subscription {
    const subscription: Subscription = {
      arn,
      topicArn,
      protocol,
      endpoint,
      raw,
      // There is nobody to click on the link in a mail.
      confirmed: protocol !== 'http' && protocol !== 'https',
      token: randomBytes(64).toString('hex'),
    };
    this.#subscriptions.set(arn, subscription);
    return subscription;
  }

  /** Tells where links lead, and asks http subscribers of the template to confirm. */
  serveAt(endpoint: string): void {
    this.#endpoint = endpoint;
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.confirmed) this.#requestConfirmation(subscription);
    }
  }

  /** Topics of a region. */
  list(region: string): Topic[] {
    return [...this.#topics.values()].filter((topic) => topic.region === region);
  }

  /** Finds a topic by its ARN. */
  find(arn: string): Topic {
    const topic = this.#topics.get(arn);
    if (topic === undefined) throw new AwsError('NotFound', 'Topic does not exist', 404);
    return topic;
  }

  /** Subscriptions of a topic, or of a region. */
  subscriptions(of: { topicArn: string } | { region: string }): Subscription[] {
    return [...this.#subscriptions.values()].filter(({ topicArn }) =>
      'topicArn' in of ? topicArn === of.topicArn : this.#topics.get(topicArn)?.region === of.region,
    );
  }

  /** Subscribes; the same subscriber twice is one subscription. */
  subscribe(topicArn: string, protocol: string, endpoint: string): Subscription {
    this.find(topicArn);
    let known: Protocol;
    try {
      known = parseProtocol(protocol, 'Subscribe');
    } catch (error) {
      throw new AwsError('InvalidParameter', `Invalid parameter: ${(error as Error).message}`);
    }
    const same = this.subscriptions({ topicArn }).find(
      (other) => other.protocol === known && other.endpoint === endpoint,
    );
    if (same !== undefined) return same;
    if (/^https?$/.test(known) && !endpoint.startsWith(`${known}://`)) {
      throw new AwsError('InvalidParameter', 'Invalid parameter: Endpoint must match the specified protocol');
    }
    const subscription = this.#add(topicArn, `${topicArn}:${randomUUID()}`, known, endpoint, false);
    if (!subscription.confirmed) this.#requestConfirmation(subscription);
    return subscription;
  }

  /** Confirms a subscription by the token that its subscriber was sent. */
  confirm(topicArn: string, token: string): Subscription {
    const found = this.subscriptions({ topicArn }).find((subscription) => subscription.token === token);
    if (found === undefined) throw new AwsError('InvalidParameter', 'Invalid parameter: Token');
    found.confirmed = true;
    return found;
  }

  /** Ends a subscription. */
  unsubscribe(arn: string): void {
    this.#subscriptions.delete(arn);
  }

  /** Publishes to every confirmed subscriber; returns the message's id. Deliveries go on by themselves. */
  publish(publication: Publication): string {
    this.find(publication.topicArn);
    checkPublication(publication);
    const messageId = randomUUID();
    for (const subscription of this.subscriptions({ topicArn: publication.topicArn })) {
      if (!subscription.confirmed) continue;
      this.#deliver(subscription, publication, messageId).catch((error: Error) => {
        this.#say(`SNS: no delivery to ${subscription.protocol} ${subscription.endpoint}: ${error.message}`);
      });
    }
    return messageId;
  }

  /** Functions and queues must let the topic in. */
  async #mayDeliver({ protocol, topicArn, endpoint }: Subscription): Promise<boolean> {
    if (protocol !== 'lambda' && protocol !== 'sqs') return true;
    const action = protocol === 'lambda' ? 'lambda:InvokeFunction' : 'sqs:SendMessage';
    return await this.#access.may(serviceFor('sns.amazonaws.com', topicArn), { action, resources: [endpoint] });
  }

  async #deliver(subscription: Subscription, publication: Publication, messageId: string): Promise<void> {
    const { protocol, endpoint } = subscription;
    if (!(await this.#mayDeliver(subscription))) return;
    const text = textFor(publication, protocol);
    const timestamp = new Date().toISOString();
    await this.#pace.wait(protocol === 'email' || protocol === 'email-json' ? 'mail' : 'notification');
    if (this.#stop.signal.aborted) return;
    const { subject, topicArn, attributes } = publication;
    switch (protocol) {
      case 'email':
        return await this.#mails.deliver({
          to: endpoint,
          subject: subject ?? 'AWS Notification Message',
          messageId,
          text: `${text}\n\n--\nIf you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:\n${this.#unsubscribeUrl(subscription)}\n`,
        });
      case 'email-json':
        return await this.#mails.deliver({
          to: endpoint,
          subject: subject ?? 'AWS Notification Message',
          messageId,
          text: JSON.stringify(this.#envelope(subscription, messageId, subject, text, timestamp), undefined, 2),
        });
      case 'lambda': {
        const sns = {
          Type: 'Notification',
          MessageId: messageId,
          TopicArn: topicArn,
          Subject: subject ?? null,
          Message: text,
          Timestamp: timestamp,
          SignatureVersion: '1',
          Signature: 'EXAMPLE',
          SigningCertUrl: 'EXAMPLE',
          UnsubscribeUrl: this.#unsubscribeUrl(subscription),
          MessageAttributes: attributes,
        };
        const record = {
          EventSource: 'aws:sns',
          EventVersion: '1.0',
          EventSubscriptionArn: subscription.arn,
          Sns: sns,
        };
        return this.#functions.invokeAsync(endpoint, JSON.stringify({ Records: [record] }));
      }
      case 'http':
      case 'https': {
        const body = subscription.raw
          ? text
          : JSON.stringify(this.#envelope(subscription, messageId, subject, text, timestamp));
        return await this.#post(subscription, 'Notification', messageId, body);
      }
      case 'sqs': {
        const queue = this.#queues.byArn(endpoint);
        if (queue === undefined) throw new Error('there is no such queue');
        queue.send(
          subscription.raw ? text : JSON.stringify(this.#envelope(subscription, messageId, subject, text, timestamp)),
        );
        return;
      }
    }
  }

  #unsubscribeUrl(subscription: Subscription): string {
    return `${this.#endpoint}/?Action=Unsubscribe&SubscriptionArn=${encodeURIComponent(subscription.arn)}`;
  }

  #envelope(
    subscription: Subscription,
    messageId: string,
    subject: string | undefined,
    text: string,
    timestamp: string,
  ) {
    return {
      Type: 'Notification',
      MessageId: messageId,
      TopicArn: subscription.topicArn,
      ...(subject === undefined ? {} : { Subject: subject }),
      Message: text,
      Timestamp: timestamp,
      SignatureVersion: '1',
      Signature: 'not-signed-by-the-local-runtime',
      SigningCertURL: `${this.#endpoint}/_local/no-certificate.pem`,
      UnsubscribeURL: this.#unsubscribeUrl(subscription),
    };
  }

  #requestConfirmation(subscription: Subscription): void {
    const { topicArn, token } = subscription;
    const messageId = randomUUID();
    const body = JSON.stringify({
      Type: 'SubscriptionConfirmation',
      MessageId: messageId,
      Token: token,
      TopicArn: topicArn,
      Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
      SubscribeURL: `${this.#endpoint}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topicArn)}&Token=${token}`,
      Timestamp: new Date().toISOString(),
      SignatureVersion: '1',
      Signature: 'not-signed-by-the-local-runtime',
      SigningCertURL: `${this.#endpoint}/_local/no-certificate.pem`,
    });
    this.#post(subscription, 'SubscriptionConfirmation', messageId, body).catch((error: Error) => {
      this.#say(`SNS: ${subscription.endpoint} could not be asked to confirm its subscription: ${error.message}`);
    });
  }

  async #post(subscription: Subscription, type: string, messageId: string, body: string): Promise<void> {
    const { signal } = this.#stop;
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await fetch(subscription.endpoint, {
          method: 'POST',
          redirect: 'manual',
          headers: {
            'content-type': 'text/plain; charset=UTF-8',
            'user-agent': 'Amazon Simple Notification Service Agent',
            'x-amz-sns-message-type': type,
            'x-amz-sns-message-id': messageId,
            'x-amz-sns-topic-arn': subscription.topicArn,
            ...(type === 'Notification' ? { 'x-amz-sns-subscription-arn': subscription.arn } : {}),
            ...(subscription.raw && type === 'Notification' ? { 'x-amz-sns-rawdelivery': 'true' } : {}),
          },
          body,
          signal: AbortSignal.any([signal, AbortSignal.timeout(deliveryTimeoutMilliseconds)]),
        });
        await response.arrayBuffer();
        if (response.ok) return;
        throw new Error(`HTTP status ${response.status}`);
      } catch (error) {
        const pause = retryMilliseconds[attempt];
        if (signal.aborted) return;
        if (pause === undefined) throw ((error as { cause?: Error }).cause ?? error) as Error;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pause);
          const giveUp = () => {
            clearTimeout(timer);
            resolve();
          };
          signal.addEventListener('abort', giveUp, { once: true });
        });
        if (signal.aborted) return;
      }
    }
  }

  /** Gives up deliveries under way. */
  stop(): void {
    this.#stop.abort();
  }
}
