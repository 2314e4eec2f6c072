/** An error as an AWS service answers it: a code that clients match on, a message, an HTTP status. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** The refusal of an operation that the runtime does not serve: by name, never silently accepted. */
export function notServed(service: string, operation: string): AwsError {
  return new AwsError('UnknownOperationException', `${service}:${operation} is not served by the local runtime`);
}
