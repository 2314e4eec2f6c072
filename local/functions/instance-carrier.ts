/** What runs an instance of a function: a thread of this process, or a process in the network of the hosts. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { InstanceData, InstanceMessage, InvokeMessage } from './instance-messages.ts';

/** What a carrier is started with. */
interface CarrierOptions {
  readonly data: InstanceData;
  readonly environment: Readonly<Record<string, string>>;
  readonly heapMegabytes: number;
}

/** Told what becomes of the instance. */
interface CarrierListener {
  readonly onMessage: (message: InstanceMessage) => void;
  /** An error that the instance did not survive. */
  readonly onError: (error: Error & { code?: string }) => void;
  /** It has ended; exit code, or words for what ended it. */
  readonly onExit: (how: string) => void;
}

/** An instance while it lives. */
export interface Carrier {
  readonly stdout: Readable;
  readonly stderr: Readable;
  send(message: InvokeMessage): void;
  /** Ends it at once. */
  terminate(): Promise<void>;
}

/** Starts a carrier. */
export type StartCarrier = (options: CarrierOptions, listener: CarrierListener) => Carrier;

const script = new URL('./instance-thread.mjs', import.meta.url);

/** A worker thread: starts fast, and shares this process's network. */
export const startThread: StartCarrier = ({ data, environment, heapMegabytes }, listener) => {
  const worker = new Worker(script, {
    workerData: data,
    env: environment,
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  worker.on('message', listener.onMessage);
  worker.on('error', listener.onError);
  worker.on('exit', (code) => listener.onExit(`exit status ${code}`));
  // An idle instance must not keep the runtime's process alive.
  worker.unref();
  return {
    stdout: worker.stdout,
    stderr: worker.stderr,
    send: (message) => worker.postMessage(message),
    async terminate() {
      await worker.terminate();
    },
  };
};

/** Processes that the given command puts into another network. */
export function processStarter(command: readonly string[]): StartCarrier {
  return ({ data, environment, heapMegabytes }, listener) => {
    const node = [process.execPath, `--max-old-space-size=${heapMegabytes}`, fileURLToPath(script)];
    const [program = '', ...args] = [...command, ...node, JSON.stringify(data)];
    const child = spawn(program, args, {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A terminal's Ctrl-C is for the runtime, which lets what runs end first.
      detached: true,
    });
    child.on('message', (message) => listener.onMessage(message as InstanceMessage));
    child.on('error', listener.onError);
    const exited = new Promise<void>((resolve) => {
      child.on('exit', (code, signal) => {
        listener.onExit(signal === null ? `exit status ${code}` : `signal: ${signal}`);
        resolve();
      });
      child.on('error', () => resolve());
    });
    child.unref();
    child.channel?.unref();
    return {
      stdout: child.stdout as Readable,
      stderr: child.stderr as Readable,
      // A process that has just ended says so itself.
      send: (message) => void child.send(message, () => undefined),
      async terminate() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  };
}
