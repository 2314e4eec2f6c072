/** AWS REST JSON: method and path name the operation; path, query and JSON body together are its input. */
import type { Route } from '../services/service.ts';
import type { AwsError } from './aws-error.ts';
import { type Answer, withEpochSeconds } from './json.ts';

/** What a REST operation returns when it needs more than a JSON body: a raw body, a status, headers. */
export class RestResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;

  constructor(status: number, headers: Readonly<Record<string, string>>, body: string) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** Finds the route of a request and the values in its path. */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { operation: string; values: Record<string, string> } | undefined {
  const parts = path.split('/');
  for (const route of routes) {
    const template = route.path.split('/');
    if (route.method !== method || template.length !== parts.length) continue;
    const values: Record<string, string> = {};
    const matches = template.every((part, index) => {
      const actual = parts[index] ?? '';
      if (!part.startsWith('{')) return part === actual;
      values[part.slice(1, -1)] = decodeURIComponent(actual);
      return actual !== '';
    });
    if (matches) return { operation: route.operation, values };
  }
  return undefined;
}

/** Answers a REST result. */
export function restAnswer(result: unknown): Answer {
  if (result instanceof RestResult) {
    return {
      status: result.status,
      headers: { 'content-type': 'application/json', ...result.headers },
      body: result.body,
    };
  }
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(withEpochSeconds(result ?? {})),
  };
}

/** Answers a REST error. */
export function restError(error: AwsError): Answer {
  return {
    status: error.status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': error.code },
    body: JSON.stringify({ Type: 'User', Message: error.message, message: error.message }),
  };
}
