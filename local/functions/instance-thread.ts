/** Runs in a worker thread: loads the deployed bundle as Lambda's Node.js runtime does and calls its handler. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { FunctionError, InstanceData, InstanceMessage, InvokeMessage } from './instance-messages.ts';

const data = workerData as InstanceData;

function say(message: InstanceMessage): void {
  parentPort?.postMessage(message);
}

/** Lambda reports an error by its name, its message and its stack's lines. */
function functionError(error: unknown): FunctionError {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

type Handler = (event: unknown, context: object) => unknown;

async function loadHandler(): Promise<Handler> {
  const dot = data.handler.lastIndexOf('.');
  const moduleName = data.handler.slice(0, dot);
  const exportName = data.handler.slice(dot + 1);
  const file = ['.js', '.mjs', '.cjs'].map((ending) => join(data.taskRoot, moduleName + ending)).find(existsSync);
  if (file === undefined) {
    const error = new Error(`Cannot find module '${moduleName}'`);
    error.name = 'Runtime.ImportModuleError';
    throw error;
  }
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const fallback = loaded.default as Record<string, unknown> | undefined;
  const handler = loaded[exportName] ?? fallback?.[exportName];
  if (typeof handler !== 'function') {
    const error = new Error(`${data.handler} is undefined or not exported`);
    error.name = 'Runtime.HandlerNotFound';
    throw error;
  }
  return handler as Handler;
}

function contextOf(message: InvokeMessage): object {
  return {
    awsRequestId: message.requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: data.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: data.functionArn,
    memoryLimitInMB: String(data.memoryMegabytes),
    logGroupName: data.logGroup,
    logStreamName: data.logStream,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
  };
}

async function invoke(handler: Handler, message: InvokeMessage): Promise<void> {
  const { requestId } = message;
  try {
    const result = await handler(JSON.parse(message.payload), contextOf(message));
    say({ kind: 'result', requestId, payload: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    say({ kind: 'error', requestId, error: functionError(error) });
  }
}

try {
  const handler = await loadHandler();
  parentPort?.on('message', (message: InvokeMessage) => void invoke(handler, message));
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'init-error', error: functionError(error) });
}
