/**
 * Errors that end the execution, whatever its definition catches.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
const terminal: ReadonlySet<string> = new Set(['States.DataLimitExceeded', 'States.Runtime']);

/** A failed task in the library's terms: `name` is what Retry and Catch match on, `message` becomes the cause. */
export class TaskFailure extends Error {
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  constructor(error: string, cause: string) {
    super(cause);
    this.name = error;
    this.isCatchable = !terminal.has(error);
    this.isRetryable = this.isCatchable;
  }
}

/**
 * Ends an attempt that the execution has given up already, so that the library's timers end with it.
 * The library neither retries nor catches it.
 */
export class TaskAbandoned extends Error {
  readonly isRetryable = false;
  readonly isCatchable = false;

  constructor() {
    super('The execution has given up this task');
    this.name = 'States.TaskAbandoned';
  }
}
