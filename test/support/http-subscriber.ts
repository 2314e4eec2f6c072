/** An http subscriber of a topic: confirms its subscription as SNS asks, and keeps what it is sent. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

/** A notification's message, parsed: for http the topic sends the form for chats. */
export interface ChatNotification {
  readonly content: { readonly title: string; readonly description: string };
  readonly metadata?: { readonly threadId?: string };
}

export class HttpSubscriber implements AsyncDisposable {
  readonly url: string;
  readonly received: ChatNotification[] = [];
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(): Promise<HttpSubscriber> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    const subscriber = new HttpSubscriber(server, `http://127.0.0.1:${address.port}/alerts`);
    server.on('request', async (request, response) => {
      const envelope = JSON.parse(await text(request));
      if (envelope.Type === 'SubscriptionConfirmation') await fetch(envelope.SubscribeURL);
      if (envelope.Type === 'Notification') subscriber.received.push(JSON.parse(envelope.Message));
      response.end();
    });
    return subscriber;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
