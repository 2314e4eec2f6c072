import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';

/** An alert in the forms that the protocols of the topic's subscribers want. */
export interface RenderedAlert {
  /** ASCII, at most 100 characters. */
  readonly subject: string;
  readonly email: string;
  /** Custom notification of Amazon Q Developer in chat applications. */
  readonly chatbot: string;
  readonly json: string;
}

const client = new SNSClient({});

/** Publishes one alert to all subscribers of the topic. */
export async function publishAlert(topicArn: string, { subject, email, chatbot, json }: RenderedAlert): Promise<void> {
  // Amazon Q subscribes by https and drops whatever is not a custom notification.
  const Message = JSON.stringify({ default: email, email, http: chatbot, https: chatbot, lambda: json, sqs: json });
  await client.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message, MessageStructure: 'json' }));
}
