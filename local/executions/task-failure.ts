/** A failed task in the library's terms: `name` is what Retry and Catch match on, `message` becomes the cause. */
export class TaskFailure extends Error {
  constructor(error: string, cause: string) {
    super(cause);
    this.name = error;
  }
}
