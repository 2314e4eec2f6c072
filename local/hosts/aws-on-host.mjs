/**
 * `aws` as scripts on a process host see it. Such hosts share this machine, whose AWS CLI may be missing or unreadable
 * for the PostgreSQL user, and a full one takes a second to start: this serves the one call that our scripts make.
 *
 * JavaScript over plain HTTP, because it is started often and must start fast.
 */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

const usage = 'aws secretsmanager get-secret-value --secret-id ID --region REGION --query SecretString --output text';
const timeoutMilliseconds = 30_000;

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
 * The options of the call; ends when it is another one than the one that is served.
 * @param {string[]} args
 */
function parse([service, operation, ...rest]) {
  if (service !== 'secretsmanager' || operation !== 'get-secret-value') {
    const call = `aws ${service ?? ''} ${operation ?? ''}`;
    fail(`${call}: not served on process hosts of the local runtime, only: ${usage}`, 252);
  }
  /** @type {Map<string, string>} */
  const options = new Map();
  for (let index = 0; index < rest.length; index++) {
    const [name = '', inline] = (rest[index] ?? '').split(/=(.*)/s);
    const value = inline ?? rest[++index];
    if (!['--secret-id', '--region', '--query', '--output'].includes(name) || value === undefined) {
      fail(
        `aws ${service} ${operation} ${name}: not served on process hosts of the local runtime, only: ${usage}`,
        252,
      );
    }
    options.set(name, value);
  }
  const secretId = options.get('--secret-id');
  if (secretId === undefined || options.get('--query') !== 'SecretString' || options.get('--output') !== 'text') {
    fail(`aws ${service} ${operation}: only served as: ${usage}`, 252);
  }
  const region = options.get('--region') ?? process.env.AWS_REGION;
  const endpoint = process.env.AWS_ENDPOINT_URL;
  if (region === undefined || endpoint === undefined) fail('AWS_REGION and AWS_ENDPOINT_URL must be set', 253);
  // The credentials are those of the instance; the runtime knows them by its id, which the SSM agent tells scripts.
  const instanceId = process.env.AWS_SSM_INSTANCE_ID;
  if (instanceId === undefined) fail('Unable to locate credentials: AWS_SSM_INSTANCE_ID is not set', 253);
  return { secretId, region, endpoint, instanceId };
}

const { secretId, region, endpoint, instanceId } = parse(process.argv.slice(2));
const call = request(endpoint, {
  method: 'POST',
  timeout: timeoutMilliseconds,
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'secretsmanager.GetSecretValue',
    authorization: `AWS4-HMAC-SHA256 Credential=${instanceId}/20000101/${region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
  },
});
call.on('timeout', () => call.destroy(new Error('no answer in time')));
call.on('error', (error) => fail(`\nCould not connect to the endpoint URL: "${endpoint}" (${error.message})`, 255));
call.on('response', async (response) => {
  /** @type {{ SecretString?: string, __type?: string, message?: string }} */
  const body = JSON.parse(await text(response));
  if (body.SecretString === undefined) {
    fail(`\nAn error occurred (${body.__type}) when calling the GetSecretValue operation: ${body.message}`, 254);
  }
  process.stdout.write(`${body.SecretString}\n`);
});
call.end(JSON.stringify({ SecretId: secretId }));
