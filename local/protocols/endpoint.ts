/** The one HTTP endpoint: finds the service of a request, decodes it, calls the operation, encodes the answer. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Server as SocketServer } from 'node:net';
import { type Gate, unsignedOperations } from '../access/gate.ts';
import { isInstanceId } from '../access/principal.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import type { Service } from '../services/service.ts';
import { AwsError, notServed } from './aws-error.ts';
import { type Answer, jsonAnswer, jsonError, targetOperation } from './json.ts';
import { ec2Answer, ec2Error, queryAnswer, queryError, queryInput, s3Error } from './query.ts';
import { matchRoute, restAnswer, restError } from './rest-json.ts';

/** The largest request that any served operation takes, with room to spare. */
const maximumBodyBytes = 16 * 1024 * 1024;

/** Runtime's own requests, to `/` and below `/_local/`, which are not AWS; undefined for those of somebody else. */
export type ControlHandler = (request: IncomingMessage, path: string, body: string) => Promise<Answer | undefined>;

/** What the endpoint serves. */
export interface EndpointOptions {
  readonly port: number;
  readonly services: readonly Service[];
  /** Asked before each operation. */
  readonly gate: Gate;
  readonly pace?: Pace;
  /** Asked in this order. */
  readonly control: readonly ControlHandler[];
  /** Told of errors that are the runtime's own fault. */
  readonly onInternalError: (service: string, operation: string, error: unknown) => void;
}

/** Prefixes of X-Amz-Target, for requests that are not signed. */
const servicesByTarget: Readonly<Record<string, string>> = {
  AWSStepFunctions: 'states',
  AmazonSSM: 'ssm',
  secretsmanager: 'secretsmanager',
  DynamoDB_20120810: 'dynamodb',
  AmazonSQS: 'sqs',
  AWSEvents: 'events',
  Logs_20140328: 'logs',
};

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maximumBodyBytes) throw new AwsError('RequestEntityTooLarge', 'The request is too large', 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Access key, region and service of the credential scope `…Credential=AKID/20261122/us-east-1/states/aws4_request, …`. */
function credentialScope(request: IncomingMessage) {
  const [, accessKeyId, region, service] =
    /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/.exec(request.headers.authorization ?? '') ?? [];
  return accessKeyId === undefined || region === undefined || service === undefined
    ? undefined
    : { accessKeyId, region, service };
}

/** What a call takes before it is answered. A function's invocation has its own times, its instance's start among them. */
async function takeTime(pace: Pace, service: string, accessKeyId = ''): Promise<void> {
  if (service === 'lambda') return;
  if (isInstanceId(accessKeyId)) await pace.wait('awsOnHost');
  await pace.wait(service === 'dynamodb' ? 'tableCall' : 'apiCall');
}

/** A browser page must not reach the endpoint under a name of its own (DNS rebinding). */
function isOwnHost(host = '', own: ReadonlySet<string>): boolean {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(host) || own.has(host);
}

/** An error in the protocol of its service, or, of a service that is not served, in the likely one. */
function encodeError(
  service: Service | undefined,
  name: string,
  request: IncomingMessage,
  id: string,
  error: AwsError,
): Answer {
  const contentType = request.headers['content-type'];
  switch (service?.protocol) {
    case 'query':
      return queryError(service.namespace ?? '', id, error);
    case 'ec2':
      return ec2Error(id, error);
    case 'rest-json':
      return restError(error);
    case 'json':
      return jsonError(contentType, error);
    default:
      if (name === 's3') return s3Error(id, error);
      if (contentType?.startsWith('application/x-www-form-urlencoded') === true) return queryError('', id, error);
      return request.headers['x-amz-target'] === undefined ? restError(error) : jsonError(contentType, error);
  }
}

interface Decoded {
  readonly operation: string;
  readonly input: unknown;
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new AwsError('SerializationException', `The request is not JSON: ${(error as Error).message}`);
  }
}

function decode(service: Service, request: IncomingMessage, url: URL, body: Buffer): Decoded {
  if (service.protocol === 'json') {
    const target = request.headers['x-amz-target'];
    if (typeof target !== 'string') throw notServed(service.name, '(no X-Amz-Target)');
    return { operation: targetOperation(target), input: parseJson(body.toString('utf8')) };
  }
  if (service.protocol === 'rest-json') {
    const route = matchRoute(service.routes ?? [], request.method ?? '', url.pathname);
    if (route === undefined) throw notServed(service.name, `${request.method} ${url.pathname}`);
    const query: Record<string, string> = Object.fromEntries(url.searchParams);
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-') && restInputHeaders.has(name)),
    );
    return { operation: route.operation, input: { values: route.values, query, headers, body: body.toString('utf8') } };
  }
  const form = request.method === 'GET' ? url.searchParams : new URLSearchParams(body.toString('utf8'));
  const { operation, input } = queryInput(form);
  if (operation === undefined) throw new AwsError('MissingAction', 'The request names no Action');
  return { operation, input };
}

/** Headers that are input of a REST operation (Lambda's Invoke). */
const restInputHeaders = new Set(['x-amz-invocation-type', 'x-amz-log-type', 'x-amz-client-context']);

function encode(service: Service, contentType: string | undefined, id: string, operation: string, result: unknown) {
  switch (service.protocol) {
    case 'query':
      return queryAnswer(operation, service.namespace ?? '', id, result);
    case 'ec2':
      return ec2Answer(operation, service.namespace ?? '', id, result);
    case 'rest-json':
      return restAnswer(result);
    default:
      return jsonAnswer(contentType, result);
  }
}

/** The endpoint while it runs. */
export interface Endpoint {
  readonly url: string;
  readonly port: number;
  /** Answers on sockets that listen elsewhere, too. */
  serve(servers: readonly SocketServer[]): void;
  close(): Promise<void>;
}

/** Starts to listen; rejects with a sentence for people when the port is taken. */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const services = new Map(options.services.map((service) => [service.name, service]));
  const furtherServers: SocketServer[] = [];
  const furtherHosts = new Set<string>();
  const { pace = ownPace } = options;
  let closed = false;

  async function answer(request: IncomingMessage): Promise<Answer | undefined> {
    const requestId = randomUUID();
    const contentType = request.headers['content-type'];
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    let service: Service | undefined;
    let name = '?';
    let operation = '?';
    try {
      if (!isOwnHost(request.headers.host, furtherHosts)) {
        throw new AwsError('AccessDeniedException', `Host ${request.headers.host} is not this machine`, 403);
      }
      if (url.pathname === '/' || url.pathname.startsWith('/_local/')) {
        const own = request.headers.authorization === undefined && request.headers['x-amz-target'] === undefined;
        const isLink = unsignedOperations.has(url.searchParams.get('Action') ?? '');
        if (own && !isLink) {
          const body = (await readBody(request)).toString('utf8');
          for (const control of options.control) {
            const controlled = await control(request, url.pathname, body);
            if (controlled !== undefined) return controlled;
          }
        }
      }
      const scope = credentialScope(request);
      const target = request.headers['x-amz-target'];
      const linkAction = request.method === 'GET' ? url.searchParams.get('Action') : null;
      const found =
        scope?.service ??
        (typeof target === 'string' ? servicesByTarget[target.slice(0, target.indexOf('.'))] : undefined) ??
        (linkAction !== null && unsignedOperations.has(linkAction) ? 'sns' : undefined);
      if (found === undefined) {
        throw new AwsError('MissingAuthenticationToken', 'The request is not signed: its service is unknown', 403);
      }
      name = found;
      const accessKeyId = scope?.accessKeyId;
      await takeTime(pace, name, accessKeyId);
      // What requests reach ends with the endpoint.
      if (closed) return undefined;
      service = services.get(name);
      if (service === undefined) {
        const action = typeof target === 'string' ? targetOperation(target) : `${request.method} ${url.pathname}`;
        throw notServed(name, action);
      }
      const decoded = decode(service, request, url, await readBody(request));
      operation = decoded.operation;
      const handler = Object.hasOwn(service.operations, operation) ? service.operations[operation] : undefined;
      if (handler === undefined) throw notServed(name, operation);
      const linkRegion = /^arn:[^:]+:sns:([^:]+):/.exec(
        url.searchParams.get('TopicArn') ?? url.searchParams.get('SubscriptionArn') ?? '',
      )?.[1];
      const region = scope?.region ?? linkRegion ?? '';
      const principal = await options.gate({ service: name, operation, input: decoded.input, region, accessKeyId });
      const result = await handler.call(decoded.input, { region, requestId, principal });
      return encode(service, contentType, requestId, operation, result);
    } catch (error) {
      if (error instanceof AwsError) return encodeError(service, name, request, requestId, error);
      options.onInternalError(name, operation, error);
      const failure = new AwsError('InternalFailure', `The local runtime failed: ${(error as Error).message}`, 500);
      return encodeError(service, name, request, requestId, failure);
    }
  }

  const server: Server = createServer((request, response) => {
    answer(request).then(
      (result) => {
        if (result === undefined) return;
        response.writeHead(result.status, { ...result.headers, 'content-length': Buffer.byteLength(result.body) });
        response.end(result.body);
      },
      (error: unknown) => {
        options.onInternalError('endpoint', '?', error);
        response.destroy();
      },
    );
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${options.port} of 127.0.0.1 is in use; give another one with --port`)
          : error,
      );
    });
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    serve(servers) {
      for (const each of servers) {
        const { address: host, port: at } = each.address() as AddressInfo;
        furtherHosts.add(`${host}:${at}`);
        each.on('connection', (socket) => server.emit('connection', socket));
        furtherServers.push(each);
      }
    },
    close: () =>
      new Promise((resolve) => {
        closed = true;
        for (const each of furtherServers) each.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
