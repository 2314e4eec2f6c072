/**
 * Runs in a worker thread, or in a process of its own with the data as its argument: loads the deployed bundle as
 * Lambda's Node.js runtime does and calls its handler.
 *
 * JavaScript, because every instance would have to strip the types again, which takes longer than the rest of its start.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * @import { FunctionError, InstanceData, InstanceMessage, InvokeMessage } from './instance-messages.ts'
 * @typedef {(event: unknown, context: object) => unknown} Handler
 */

/** @type {InstanceData} */
const data = parentPort === null ? JSON.parse(process.argv[2] ?? '') : workerData;

/** @param {InstanceMessage} message */
function say(message) {
  if (parentPort === null) process.send?.(message);
  else parentPort.postMessage(message);
}

/**
 * Lambda reports an error by its name, its message and its stack's lines.
 * @param {unknown} error
 * @returns {FunctionError}
 */
function functionError(error) {
  if (error instanceof Error) {
    return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

/** @returns {Promise<Handler>} */
async function loadHandler() {
  const dot = data.handler.lastIndexOf('.');
  const moduleName = data.handler.slice(0, dot);
  const exportName = data.handler.slice(dot + 1);
  const file = ['.js', '.mjs', '.cjs'].map((ending) => join(data.taskRoot, moduleName + ending)).find(existsSync);
  if (file === undefined) {
    const error = new Error(`Cannot find module '${moduleName}'`);
    error.name = 'Runtime.ImportModuleError';
    throw error;
  }
  /** @type {Record<string, Handler> & { default?: Record<string, Handler> }} */
  const loaded = await import(pathToFileURL(file).href);
  const fallback = loaded.default;
  const handler = loaded[exportName] ?? fallback?.[exportName];
  if (typeof handler !== 'function') {
    const error = new Error(`${data.handler} is undefined or not exported`);
    error.name = 'Runtime.HandlerNotFound';
    throw error;
  }
  return handler;
}

/** @param {InvokeMessage} message */
function contextOf(message) {
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

/**
 * @param {Handler} handler
 * @param {InvokeMessage} message
 */
async function invoke(handler, message) {
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
  (parentPort ?? process).on('message', (message) => void invoke(handler, message));
  // A process ends with the runtime.
  if (parentPort === null) process.on('disconnect', () => process.exit());
  say({ kind: 'ready' });
} catch (error) {
  say({ kind: 'init-error', error: functionError(error) });
}
