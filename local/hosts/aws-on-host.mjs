/**
 * `aws` as scripts on a host see it. Process hosts share this machine, whose AWS CLI may be missing or unreadable for
 * the PostgreSQL user, and a full one takes a second to start: this serves the calls that our scripts make, and no other.
 *
 * JavaScript over plain HTTP, because it is started often and must start fast.
 */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

const timeoutMilliseconds = 30_000;

/**
 * A call that is served: its options beside --region and --output text, with the value that is demanded where only one
 * is, what the service calls it, and what it answers.
 * @typedef {{
 *   options: Readonly<Record<string, string | null>>,
 *   target: string,
 *   input: (options: ReadonlyMap<string, string>) => object,
 *   output: (answer: Record<string, unknown>) => string | undefined,
 * }} Call
 */

/** @param {ReadonlyMap<string, string>} options */
const logStream = (options) => ({
  logGroupName: options.get('--log-group-name'),
  logStreamName: options.get('--log-stream-name'),
});

/** @type {Readonly<Record<string, Call>>} */
const calls = {
  'secretsmanager get-secret-value': {
    options: { '--secret-id': null, '--query': 'SecretString' },
    target: 'secretsmanager.GetSecretValue',
    input: (options) => ({ SecretId: options.get('--secret-id') }),
    output: ({ SecretString }) => (typeof SecretString === 'string' ? SecretString : undefined),
  },
  'logs create-log-stream': {
    options: { '--log-group-name': null, '--log-stream-name': null },
    target: 'Logs_20140328.CreateLogStream',
    input: logStream,
    output: () => undefined,
  },
  'logs put-log-events': {
    options: { '--log-group-name': null, '--log-stream-name': null, '--log-events': null },
    target: 'Logs_20140328.PutLogEvents',
    input: (options) => ({ ...logStream(options), logEvents: JSON.parse(options.get('--log-events') ?? '[]') }),
    output: ({ nextSequenceToken }) => (typeof nextSequenceToken === 'string' ? nextSequenceToken : undefined),
  },
};

/** @param {string} name */
const usageOf = (name) =>
  [
    `aws ${name}`,
    ...Object.entries(calls[name]?.options ?? {}).map(([option, value]) => `${option} ${value ?? 'VALUE'}`),
    '--region REGION --output text',
  ].join(' ');

/**
 * Ends with a message and an exit code, both as the AWS CLI has them.
 * @param {string} message
 * @param {number} code
 * @returns {never}
 */
function fail(message, code) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

/**
 * The call and its options; ends when it is another one than those that are served.
 * @param {string[]} args
 */
function parse([service = '', operation = '', ...rest]) {
  const name = `${service} ${operation}`;
  const call = calls[name];
  if (call === undefined) {
    const served = Object.keys(calls).map(usageOf).join('; ');
    return fail(`aws ${name}: not served on hosts of the local runtime, only: ${served}`, 252);
  }
  /** @type {Record<string, string | null>} */
  const known = { ...call.options, '--region': null, '--output': 'text' };
  /** @type {Map<string, string>} */
  const options = new Map();
  for (let index = 0; index < rest.length; index++) {
    const [option = '', inline] = (rest[index] ?? '').split(/=(.*)/s);
    const value = inline ?? rest[++index];
    if (!(option in known) || value === undefined) {
      fail(`aws ${name} ${option}: not served on hosts of the local runtime, only: ${usageOf(name)}`, 252);
    }
    options.set(option, value);
  }
  for (const [option, demanded] of Object.entries({ ...known, '--region': undefined })) {
    if (demanded === undefined) continue;
    const value = options.get(option);
    if (value === undefined || (demanded !== null && value !== demanded)) {
      fail(`aws ${name}: only served as: ${usageOf(name)}`, 252);
    }
  }
  const region = options.get('--region') ?? process.env.AWS_REGION;
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (region === undefined)
    return fail('You must specify a region. You can also configure your region by running "aws configure".', 253);
  if (endpoint === undefined) return fail('AWS_ENDPOINT_URL must be set', 253);
  // The credentials are those of the instance; the runtime knows them by its id, which the SSM agent tells scripts.
  const instanceId = process.env.AWS_SSM_INSTANCE_ID;
  if (instanceId === undefined) return fail('Unable to locate credentials: AWS_SSM_INSTANCE_ID is not set', 253);
  return { call, service, options, region, endpoint, instanceId };
}

const { call, service, options, region, endpoint, instanceId } = parse(process.argv.slice(2));
const exchange = request(endpoint, {
  method: 'POST',
  timeout: timeoutMilliseconds,
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': call.target,
    authorization: `AWS4-HMAC-SHA256 Credential=${instanceId}/20000101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
  },
});
exchange.on('timeout', () => exchange.destroy(new Error('no answer in time')));
exchange.on('error', (error) => fail(`\nCould not connect to the endpoint URL: "${endpoint}" (${error.message})`, 255));
exchange.on('response', async (response) => {
  const said = await text(response);
  /** @type {Record<string, unknown>} */
  const answer = said === '' ? {} : JSON.parse(said);
  if (response.statusCode !== 200) {
    const operation = call.target.split('.')[1];
    fail(`\nAn error occurred (${answer.__type}) when calling the ${operation} operation: ${answer.message}`, 254);
  }
  const output = call.output(answer);
  if (output !== undefined) process.stdout.write(`${output}\n`);
});
exchange.end(JSON.stringify(call.input(options)));
