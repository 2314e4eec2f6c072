/**
 * `aws` as scripts on a process host see it. Such hosts share this machine, whose AWS CLI may be missing or unreadable
 * for the PostgreSQL user, and a full one takes a second to start: this serves the one call that our scripts make.
 */
const usage = 'aws secretsmanager get-secret-value --secret-id ID --region REGION --query SecretString --output text';

function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

const [service, operation, ...rest] = process.argv.slice(2);
if (service !== 'secretsmanager' || operation !== 'get-secret-value') {
  fail(
    `aws ${service ?? ''} ${operation ?? ''}: not served on process hosts of the local runtime, only: ${usage}`,
    252,
  );
}
const options = new Map<string, string>();
for (let index = 0; index < rest.length; index++) {
  const [name = '', inline] = (rest[index] ?? '').split(/=(.*)/s);
  const value = inline ?? rest[++index];
  if (!['--secret-id', '--region', '--query', '--output'].includes(name) || value === undefined) {
    fail(
      `aws secretsmanager get-secret-value ${name}: not served on process hosts of the local runtime, only: ${usage}`,
      252,
    );
  }
  options.set(name, value);
}
const secretId = options.get('--secret-id');
const region = options.get('--region') ?? process.env.AWS_REGION;
const endpoint = process.env.AWS_ENDPOINT_URL;
if (secretId === undefined || options.get('--query') !== 'SecretString' || options.get('--output') !== 'text') {
  fail(`aws secretsmanager get-secret-value: only served as: ${usage}`, 252);
}
if (region === undefined || endpoint === undefined) fail('AWS_REGION and AWS_ENDPOINT_URL must be set', 253);

try {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'secretsmanager.GetSecretValue',
      authorization: `AWS4-HMAC-SHA256 Credential=HOST/20000101/${region}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify({ SecretId: secretId }),
    signal: AbortSignal.timeout(30_000),
  });
  const body = (await response.json()) as { SecretString?: string; __type?: string; message?: string };
  if (!response.ok || body.SecretString === undefined) {
    fail(`\nAn error occurred (${body.__type}) when calling the GetSecretValue operation: ${body.message}`, 254);
  }
  process.stdout.write(`${body.SecretString}\n`);
} catch (error) {
  const cause = (error as { cause?: Error }).cause;
  fail(`\nCould not connect to the endpoint URL: "${endpoint}" (${(cause ?? (error as Error)).message})`, 255);
}

export {};
