/** Event source mappings of Lambda: what takes messages from queues and invokes functions with them. */
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { Functions } from '../functions/functions.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import type { Message, Queue } from './queue.ts';
import type { Queues } from './queues.ts';

interface MappingProperties {
  readonly EventSourceArn: string;
  readonly FunctionName: string;
  readonly BatchSize?: number;
  readonly Enabled?: boolean;
  readonly ScalingConfig?: { readonly MaximumConcurrency?: number };
  readonly Tags?: unknown;
}

interface Mapping {
  readonly queue: Queue;
  readonly functionArn: string;
  readonly batchSize: number;
  readonly mostConcurrent: number;
}

/** Lambda polls with the longest wait that SQS allows. */
const waitSeconds = 20;

/** Messages as a function receives them. */
function eventOf({ facts }: Queue, messages: readonly Message[]): object {
  return {
    Records: messages.map((message) => ({
      messageId: message.id,
      receiptHandle: message.receiptHandle,
      body: message.body,
      attributes: {
        ApproximateReceiveCount: String(message.receives),
        SentTimestamp: String(message.sentAt),
        SenderId: facts.account,
        ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
      },
      messageAttributes: {},
      md5OfBody: message.bodyMd5,
      eventSource: 'aws:sqs',
      eventSourceARN: facts.arn,
      awsRegion: facts.region,
    })),
  };
}

/** All mappings of the assembly. */
export class EventSourceMappings {
  readonly #mappings: Mapping[];
  readonly #functions: Functions;
  readonly #pace: Pace;
  readonly #stop = new AbortController();

  constructor(stacks: readonly Stack[], queues: Queues, functions: Functions, pace: Pace = ownPace) {
    this.#functions = functions;
    this.#pace = pace;
    this.#mappings = resourcesOf(stacks, 'AWS::Lambda::EventSourceMapping').flatMap(({ stack, resource }) => {
      const refuse = (what: string): never => {
        throw new Error(`Event source mapping ${resource.logicalId}: ${what} is not supported by the local runtime`);
      };
      const { EventSourceArn, FunctionName, BatchSize, Enabled, ScalingConfig, Tags, ...rest } =
        resource.properties as unknown as MappingProperties;
      if (Object.keys(rest).length > 0) refuse(Object.keys(rest).join(', '));
      const queue = queues.byArn(EventSourceArn) ?? refuse(`source ${EventSourceArn}`);
      const { arn, timeoutSeconds } = functions.find(FunctionName, stack.region);
      if (queue.facts.visibilitySeconds < timeoutSeconds) {
        throw new Error(
          `Event source mapping ${resource.logicalId}: Queue visibility timeout: ${queue.facts.visibilitySeconds} seconds is less than Function timeout: ${timeoutSeconds} seconds`,
        );
      }
      if (Enabled === false) return [];
      const mostConcurrent = ScalingConfig?.MaximumConcurrency ?? Number.POSITIVE_INFINITY;
      return [{ queue, functionArn: arn, batchSize: BatchSize ?? 10, mostConcurrent }];
    });
  }

  /** Begins to poll. */
  start(): void {
    for (const mapping of this.#mappings) void this.#poll(mapping);
  }

  async #poll(mapping: Mapping): Promise<void> {
    const { signal } = this.#stop;
    const running = new Set<Promise<void>>();
    while (!signal.aborted) {
      if (running.size >= mapping.mostConcurrent) await Promise.race(running);
      const messages = await mapping.queue.receive(mapping.batchSize, waitSeconds, undefined, signal);
      if (messages.length === 0) continue;
      const work = this.#deliver(mapping, messages).finally(() => running.delete(work));
      running.add(work);
    }
  }

  /** Invokes the function; what it fails on stays in the queue and can be received again after the visibility timeout. */
  async #deliver({ queue, functionArn }: Mapping, messages: readonly Message[]): Promise<void> {
    const event = JSON.stringify(eventOf(queue, messages));
    await this.#pace.wait('queueDelivery');
    const result = await this.#functions.invoke(functionArn, event).catch(() => undefined);
    if (result?.ok === true) for (const { receiptHandle } of messages) queue.delete(receiptHandle);
  }

  /** Takes no more messages. */
  stop(): void {
    this.#stop.abort();
  }
}
