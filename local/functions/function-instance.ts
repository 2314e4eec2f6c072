/** One execution environment of a function: a worker thread that takes one event at a time. */
import { Worker } from 'node:worker_threads';
import { LineCutter } from '../logs/log-store.ts';
import type { FunctionError, InstanceData, InstanceMessage } from './instance-messages.ts';

/** A handler's result as JSON, or its error. */
export type InvocationResult =
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionError };

/** What an instance is started with. */
export interface InstanceOptions {
  readonly data: InstanceData;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly log: (lines: string[]) => void;
}

/** Loading a bundle may take this long, machine under load included. */
const initLimitMilliseconds = 60_000;

/** Below this a thread cannot even start Node.js, which Lambda's smallest size can. */
const smallestHeapMegabytes = 128;

function failed(errorType: string, errorMessage: string): InvocationResult {
  return { ok: false, error: { errorType, errorMessage, trace: [] } };
}

/** A worker thread with the function's environment; once it has died it is thrown away. */
export class FunctionInstance {
  readonly #options: InstanceOptions;
  readonly #worker: Worker;
  readonly #ready: Promise<InvocationResult | undefined>;
  /** Settles the invocation under way. */
  #settle: ((result: InvocationResult) => void) | undefined;
  #requestId = '';
  #dead: InvocationResult | undefined;

  constructor(options: InstanceOptions) {
    this.#options = options;
    const { data, environment } = options;
    this.#worker = new Worker(new URL('./instance-thread.mjs', import.meta.url), {
      workerData: data,
      env: environment,
      execArgv: [],
      stdin: false,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: Math.max(data.memoryMegabytes, smallestHeapMegabytes) },
    });
    for (const stream of [this.#worker.stdout, this.#worker.stderr]) {
      const lines = new LineCutter(options.log);
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => lines.push(text));
      stream.on('end', () => lines.end());
    }
    this.#ready = new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(failed('Sandbox.Timedout', `Init did not finish in ${initLimitMilliseconds / 1000} seconds`));
        void this.stop();
      }, initLimitMilliseconds);
      timer.unref();
      this.#worker.on('message', (message: InstanceMessage) => {
        if (message.kind === 'ready') resolve(undefined);
        else if (message.kind === 'init-error') resolve({ ok: false, error: message.error });
        else if (message.requestId === this.#requestId) {
          this.#settle?.(
            message.kind === 'result' ? { ok: true, payload: message.payload } : { ok: false, error: message.error },
          );
          return;
        } else return;
        clearTimeout(timer);
      });
      const die = (result: InvocationResult) => {
        this.#dead ??= result;
        clearTimeout(timer);
        resolve(result);
        this.#settle?.(result);
      };
      this.#worker.on('error', (error: Error & { code?: string }) => {
        die(
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? failed(
                'Runtime.OutOfMemory',
                `RequestId: ${this.#requestId} Error: Runtime exited with error: signal: killed`,
              )
            : {
                ok: false,
                error: { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') },
              },
        );
      });
      this.#worker.on('exit', (code) => {
        die(
          failed(
            'Runtime.ExitError',
            `RequestId: ${this.#requestId} Error: Runtime exited with error: exit status ${code}`,
          ),
        );
      });
    });
    // An idle instance must not keep the runtime's process alive.
    this.#worker.unref();
  }

  /** Can take another event. */
  get alive(): boolean {
    return this.#dead === undefined;
  }

  /** Runs the handler once; never rejects. Kills the instance at the function's timeout, as Lambda does. */
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
    const timer = setTimeout(() => {
      const message = `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      resolve(failed('Sandbox.Timedout', message));
      void this.stop();
    }, timeoutSeconds * 1000);
    this.#worker.postMessage({ requestId, payload, deadline: Date.now() + timeoutSeconds * 1000 });
    const result = await promise;
    clearTimeout(timer);
    this.#settle = undefined;
    return result;
  }

  /** Ends the thread at once. */
  async stop(): Promise<void> {
    this.#dead ??= failed('Runtime.ExitError', 'The instance was stopped');
    await this.#worker.terminate();
  }
}
