/** AWS JSON 1.0 and 1.1: operation in X-Amz-Target, JSON in and out, timestamps as seconds. */
import type { AwsError } from './aws-error.ts';

/** A response before it is written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Replaces dates by seconds since 1970, as the JSON protocols send them. */
export function withEpochSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(withEpochSeconds);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withEpochSeconds(item)]));
  }
  return value;
}

/** The operation named by X-Amz-Target, such as `AmazonSSM.SendCommand`. */
export function targetOperation(target: string): string {
  return target.slice(target.lastIndexOf('.') + 1);
}

/** Answers a result in the JSON protocol that the request used. */
export function jsonAnswer(contentType: string | undefined, result: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': contentType ?? 'application/x-amz-json-1.1' },
    body: JSON.stringify(withEpochSeconds(result ?? {})),
  };
}

/** Answers an error in the JSON protocol that the request used. */
export function jsonError(contentType: string | undefined, error: AwsError): Answer {
  return {
    status: error.status,
    headers: { 'content-type': contentType ?? 'application/x-amz-json-1.1', 'x-amzn-errortype': error.code },
    body: JSON.stringify({ __type: error.code, message: error.message, Message: error.message }),
  };
}
