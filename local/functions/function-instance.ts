/** One execution environment of a function, which takes one event at a time. */
import { LineCutter } from '../logs/log-store.ts';
import { afterFairTime } from './fair-limit.ts';
import type { Carrier, StartCarrier } from './instance-carrier.ts';
import type { FunctionError, InstanceData } from './instance-messages.ts';

/** A handler's result as JSON, or its error. */
export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError };

/** What an instance is started with. */
export interface InstanceOptions {
  readonly data: InstanceData;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly start: StartCarrier;
  readonly log: (lines: string[]) => void;
}

/** Loading a bundle may take this long. */
const initLimitMilliseconds = 60_000;

/** Below this a thread cannot even start Node.js, which Lambda's smallest size can. */
const smallestHeapMegabytes = 128;

function failed(errorType: string, errorMessage: string): InvocationResult {
  return { ok: false, error: { errorType, errorMessage, trace: [] } };
}

/** An execution environment of a function; once it has died it is thrown away. */
export class FunctionInstance {
  readonly #options: InstanceOptions;
  readonly #carrier: Carrier;
  readonly #ready: Promise<InvocationResult | undefined>;
  /** Settles the invocation under way. */
  #settle: ((result: InvocationResult) => void) | undefined;
  #requestId = '';
  #dead: InvocationResult | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    const { data, environment } = options;
    const { promise, resolve } = Promise.withResolvers<InvocationResult | undefined>();
    this.#ready = promise;
    const callOff = afterFairTime(initLimitMilliseconds, () => {
      resolve(failed('Sandbox.Timedout', `Init did not finish in ${initLimitMilliseconds / 1000} seconds`));
      void this.stop();
    });
    const die = (result: InvocationResult) => {
      this.#dead ??= result;
      callOff();
      resolve(result);
      this.#settle?.(result);
    };
    const exited = (how: string) =>
      failed('Runtime.ExitError', `RequestId: ${this.#requestId} Error: Runtime exited with error: ${how}`);
    const heapMegabytes = Math.max(data.memoryMegabytes, smallestHeapMegabytes);
    this.#carrier = options.start(
      { data, environment, heapMegabytes },
      {
        onMessage: (message) => {
          if (message.kind === 'ready') resolve(undefined);
          else if (message.kind === 'init-error') resolve({ ok: false, error: message.error });
          else if (message.requestId === this.#requestId) {
            this.#settle?.(
              message.kind === 'result' ? { ok: true, payload: message.payload } : { ok: false, error: message.error },
            );
            return;
          } else return;
          callOff();
        },
        onError: ({ code, name, message, stack }) => {
          const lost = `RequestId: ${this.#requestId} Error: Runtime exited with error: signal: killed`;
          die(
            code === 'ERR_WORKER_OUT_OF_MEMORY'
              ? failed('Runtime.OutOfMemory', lost)
              : { ok: false, error: { errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') } },
          );
        },
        onExit: (how) => die(exited(how)),
      },
    );
    for (const stream of [this.#carrier.stdout, this.#carrier.stderr]) {
      const lines = new LineCutter(options.log);
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => lines.push(text));
      stream.on('end', () => lines.end());
    }
  }

  /** Can take another event. */
  get alive(): boolean {
    return this.#dead === undefined;
  }

  /** Runs the handler once; never rejects. Kills the instance at the function's timeout, as Lambda does; later on a busy machine. */
  async invoke(requestId: string, payload: string): Promise<InvocationResult> {
    const initFailure = await this.#ready;
    if (initFailure !== undefined) {
      await this.stop();
      return initFailure;
    }
    if (this.#dead !== undefined) return this.#dead;
    this.#requestId = requestId;
    const { timeoutSeconds } = this.#options;
    const { promise, resolve } = Promise.withResolvers<InvocationResult>();
    this.#settle = resolve;
    const callOff = afterFairTime(timeoutSeconds * 1000, () => {
      const message = `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      resolve(failed('Sandbox.Timedout', message));
      void this.stop();
    });
    this.#carrier.send({ requestId, payload, deadline: Date.now() + timeoutSeconds * 1000 });
    const result = await promise;
    callOff();
    this.#settle = undefined;
    return result;
  }

  /** Ends it at once. */
  async stop(): Promise<void> {
    this.#dead ??= failed('Runtime.ExitError', 'The instance was stopped');
    await this.#carrier.terminate();
  }
}
