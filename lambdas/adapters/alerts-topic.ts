import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { Message } from '../domain/message.ts';

const client = new SNSClient({});

/** Publishes one message to all subscribers of the topic. */
export async function publishAlert(topicArn: string, { subject, email, chatbot, json }: Message): Promise<void> {
  // Amazon Q subscribes by https and drops whatever is not a custom notification.
  const Message = JSON.stringify({ default: email, email, http: chatbot, https: chatbot, lambda: json, sqs: json });
  await client.send(new PublishCommand({ TopicArn: topicArn, Subject: subject, Message, MessageStructure: 'json' }));
}
