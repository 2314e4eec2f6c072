/** Requests to the runtime itself, below `/_local/`: what no AWS API offers. */
import type { EventBus } from './events/event-bus.ts';
import { AwsError } from './protocols/aws-error.ts';
import type { ControlHandler } from './protocols/endpoint.ts';
import type { Answer } from './protocols/json.ts';

const json = (value: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(value)}\n`,
});

/**
 * `GET /_local/` says that the runtime is ready; `PUT /_local/events {"drop":true}` loses service events.
 * A request that changes something needs the header `x-local-runtime`, which no web page can send here.
 */
export function controlRequests(bus: EventBus): ControlHandler {
  return async (request, path, body) => {
    if (request.method === 'GET' && (path === '/_local/' || path === '/_local/events')) {
      return json({ ready: true, dropEvents: bus.dropServiceEvents });
    }
    if (request.method === 'PUT' && path === '/_local/events') {
      if (request.headers['x-local-runtime'] === undefined) {
        throw new AwsError('AccessDeniedException', 'Send the header x-local-runtime: 1', 403);
      }
      const { drop } = JSON.parse(body) as { drop?: unknown };
      if (typeof drop !== 'boolean') throw new AwsError('ValidationException', '{"drop": true or false} expected');
      bus.dropServiceEvents = drop;
      return json({ dropEvents: drop });
    }
    return undefined;
  };
}
