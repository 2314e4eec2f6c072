/** One SQS standard queue, in memory: delays, visibility timeouts, retention. */
import { createHash, randomUUID } from 'node:crypto';

/** A queue as deployed. */
export interface QueueFacts {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly region: string;
  readonly account: string;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  readonly visibilitySeconds: number;
  readonly waitSeconds: number;
  readonly mostBytes: number;
  readonly created: Date;
}

/** A message in a queue. */
export interface Message {
  readonly id: string;
  readonly body: string;
  readonly bodyMd5: string;
  readonly sentAt: number;
  /** Nobody receives it before this time: it is delayed, or somebody has it. */
  visibleAt: number;
  receives: number;
  firstReceivedAt: number | undefined;
  /** Of the latest receive; deletes the message. */
  receiptHandle: string;
}

/** A queue. */
export class Queue {
  readonly facts: QueueFacts;
  readonly #messages = new Map<string, Message>();
  /** Called when a message was sent, or will be visible at another time than foreseen. */
  readonly #waiting = new Set<() => void>();

  constructor(facts: QueueFacts) {
    this.facts = facts;
  }

  /** Messages that have not outlived the retention period, which begins when a message is sent, delay included. */
  #kept(): Message[] {
    const oldest = Date.now() - this.facts.retentionSeconds * 1000;
    for (const { id, sentAt } of this.#messages.values()) if (sentAt <= oldest) this.#messages.delete(id);
    return [...this.#messages.values()];
  }

  #byReceipt(receiptHandle: string): Message | undefined {
    return this.#kept().find((message) => message.receives > 0 && message.receiptHandle === receiptHandle);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Sends a message that can be received after the delay. */
  send(body: string, delaySeconds = this.facts.delaySeconds): Message {
    const now = Date.now();
    const message: Message = {
      id: randomUUID(),
      body,
      bodyMd5: createHash('md5').update(body).digest('hex'),
      sentAt: now,
      visibleAt: now + delaySeconds * 1000,
      receives: 0,
      firstReceivedAt: undefined,
      receiptHandle: '',
    };
    this.#messages.set(message.id, message);
    this.#wake();
    return message;
  }

  /** Receives what is visible, hides it for the visibility timeout; waits for the first message at most so long. */
  async receive(
    most: number,
    waitSeconds: number,
    visibilitySeconds = this.facts.visibilitySeconds,
    signal?: AbortSignal,
  ): Promise<Message[]> {
    const deadline = Date.now() + waitSeconds * 1000;
    for (;;) {
      const now = Date.now();
      const kept = this.#kept();
      const visible = kept.filter(({ visibleAt }) => visibleAt <= now).slice(0, most);
      for (const message of visible) {
        message.visibleAt = now + visibilitySeconds * 1000;
        message.receives += 1;
        message.firstReceivedAt ??= now;
        message.receiptHandle = randomUUID();
      }
      if (visible.length > 0 || now >= deadline || signal?.aborted === true) return visible;
      await this.#change(Math.min(deadline, ...kept.map(({ visibleAt }) => visibleAt)) - now, signal);
    }
  }

  /** Waits so long, or until something has changed. */
  async #change(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, milliseconds);
    // A queue that somebody waits at must not keep the runtime's process alive.
    timer.unref();
    this.#waiting.add(wake);
    signal?.addEventListener('abort', wake);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(wake);
    signal?.removeEventListener('abort', wake);
  }

  /** Deletes the message of a receipt; a receipt that is not known any more is none the less fine, as on AWS. */
  delete(receiptHandle: string): void {
    const message = this.#byReceipt(receiptHandle);
    if (message !== undefined) this.#messages.delete(message.id);
  }

  /** Hides a received message until so many seconds from now; false when it is not there. */
  hideFor(receiptHandle: string, seconds: number): boolean {
    const message = this.#byReceipt(receiptHandle);
    if (message === undefined) return false;
    message.visibleAt = Date.now() + seconds * 1000;
    this.#wake();
    return true;
  }

  /** How many messages can be received, are delayed, and are with somebody. */
  counts(): { visible: number; delayed: number; inFlight: number } {
    const now = Date.now();
    const kept = this.#kept();
    const hidden = kept.filter(({ visibleAt }) => visibleAt > now);
    const delayed = hidden.filter(({ receives }) => receives === 0).length;
    return { visible: kept.length - hidden.length, delayed, inFlight: hidden.length - delayed };
  }
}
