/** What a function instance and the thread that runs it say to each other. */

/** An error as Lambda reports it. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

/** Given to the thread when it starts. */
export interface InstanceData {
  readonly taskRoot: string;
  /** Module and export, such as `index.handler`. */
  readonly handler: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMegabytes: number;
  readonly logGroup: string;
  readonly logStream: string;
}

/** One invocation. */
export interface InvokeMessage {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** Time in ms since 1970 at which the invocation is cut off. */
  readonly deadline: number;
}

/** From the thread. */
export type InstanceMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'init-error'; readonly error: FunctionError }
  | { readonly kind: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'error'; readonly requestId: string; readonly error: FunctionError };
