/** AWS query and EC2 query: a form in, XML out. */
import { create } from 'xmlbuilder2';
import type { AwsError } from './aws-error.ts';
import type { Answer } from './json.ts';

interface Tree {
  [key: string]: Tree | string;
}

/** Keys that number the entries of a list (`member.1`, `entry.1`, `Filter.1`) become arrays. */
function listsFrom(tree: Tree | string): unknown {
  if (typeof tree === 'string') return tree;
  const keys = Object.keys(tree);
  const inner = keys.length === 1 && (keys[0] === 'member' || keys[0] === 'entry') ? tree[keys[0]] : undefined;
  if (inner !== undefined && typeof inner !== 'string') return listsFrom(inner);
  if (keys.length > 0 && keys.every((key) => /^[1-9]\d*$/.test(key))) {
    return keys.sort((a, b) => Number(a) - Number(b)).map((key) => listsFrom(tree[key] ?? ''));
  }
  return Object.fromEntries(keys.map((key) => [key, listsFrom(tree[key] ?? '')]));
}

/** The input of a query request: dotted names become objects, numbered ones arrays; every value is a string. */
export function queryInput(form: URLSearchParams): { operation: string | undefined; input: unknown } {
  const tree: Tree = Object.create(null);
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue;
    const parts = name.split('.');
    let at = tree;
    for (const part of parts.slice(0, -1)) {
      const known = at[part];
      const next: Tree = typeof known === 'object' ? known : Object.create(null);
      at[part] = next;
      at = next;
    }
    at[parts.at(-1) ?? name] = value;
  }
  return { operation: form.get('Action') ?? undefined, input: listsFrom(tree) };
}

/** Turns a result into what the XML builder takes; `list` is the element name of list entries. */
function elements(value: unknown, list: 'member' | 'item'): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return { [list]: value.map((item) => elements(item, list)) };
  if (value instanceof Map) {
    return { entry: [...value].map(([key, item]) => ({ key, value: elements(item, list) })) };
  }
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, elements(item, list)]),
    );
  }
  return value === undefined || value === null ? '' : String(value);
}

/** A character that XML 1.0 cannot hold; PostgreSQL's or a user's text may have one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
const notInXml = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function xml(tree: object, status: number): Answer {
  const body = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '\ufffd' }, tree).end();
  return { status, headers: { 'content-type': 'text/xml' }, body: body.replace(notInXml, '\ufffd') };
}

/** Answers a result as the query protocol does. */
export function queryAnswer(operation: string, namespace: string, requestId: string, result: unknown): Answer {
  const content = elements(result ?? {}, 'member');
  return xml(
    {
      [`${operation}Response`]: {
        '@xmlns': namespace,
        [`${operation}Result`]: content,
        ResponseMetadata: { RequestId: requestId },
      },
    },
    200,
  );
}

/** Answers an error as the query protocol does. */
export function queryError(namespace: string, requestId: string, error: AwsError): Answer {
  return xml(
    {
      ErrorResponse: {
        '@xmlns': namespace,
        Error: { Type: error.status < 500 ? 'Sender' : 'Receiver', Code: error.code, Message: error.message },
        RequestId: requestId,
      },
    },
    error.status,
  );
}

/** Answers a result as EC2 does. */
export function ec2Answer(operation: string, namespace: string, requestId: string, result: unknown): Answer {
  const content = elements(result ?? {}, 'item') as object;
  return xml({ [`${operation}Response`]: { '@xmlns': namespace, requestId, ...content } }, 200);
}

/** Answers an error as EC2 does. */
export function ec2Error(requestId: string, error: AwsError): Answer {
  return xml(
    { Response: { Errors: { Error: { Code: error.code, Message: error.message } }, RequestID: requestId } },
    error.status,
  );
}

/** Answers an error as S3 does, whose root element is the error itself. */
export function s3Error(requestId: string, error: AwsError): Answer {
  return xml({ Error: { Code: error.code, Message: error.message, RequestId: requestId } }, error.status);
}
