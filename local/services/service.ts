/** What a service is to the endpoint: a name, a wire protocol, and its operations with their input schemas. */
import type * as z from 'zod';
import type { Principal } from '../access/principal.ts';
import { AwsError } from '../protocols/aws-error.ts';

/** Where a request came from and how it was addressed. */
export interface Caller {
  /** Region of the credential scope. */
  readonly region: string;
  readonly requestId: string;
  /** Who calls; undefined where nobody has signed. */
  readonly principal: Principal | undefined;
}

/** An operation with its own input check. */
export interface Operation {
  /** Checks the input and carries the operation out. */
  call(input: unknown, caller: Caller): Promise<unknown>;
}

/** A route of a REST service: path templates as AWS writes them, such as `/schedules/{Name}`. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: string;
}

/** A service of the endpoint. */
export interface Service {
  /** Name in the SigV4 credential scope. */
  readonly name: string;
  readonly protocol: 'json' | 'query' | 'ec2' | 'rest-json';
  /** XML namespace of a query or ec2 service. */
  readonly namespace?: string;
  /** Routes of a REST service. */
  readonly routes?: readonly Route[];
  readonly operations: Readonly<Record<string, Operation>>;
}

/** Code with which a service refuses malformed input. */
type ValidationCode = 'ValidationException' | 'InvalidParameterValue' | 'InvalidParameter' | 'ValidationError';

/** One line per problem: the path, what is wrong, and for unknown fields that the runtime does not serve them. */
function describeProblems(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const path = issue.path.join('.');
      if (issue.code === 'unrecognized_keys') {
        const keys = issue.keys.map((key) => (path === '' ? key : `${path}.${key}`)).join(', ');
        return `${keys}: not served by the local runtime`;
      }
      return `${path === '' ? 'input' : path}: ${issue.message}`;
    })
    .join('; ');
}

/**
 * Makes an operation from a schema and a function. Schemas are strict: a field that the function does not know
 * would change what AWS does, so it is refused; fields without an effect here are listed in the schema and ignored.
 */
export function operation<S extends z.ZodType>(
  schema: S,
  run: (input: z.output<S>, caller: Caller) => unknown,
  code: ValidationCode = 'ValidationException',
): Operation {
  return {
    async call(input, caller) {
      const parsed = schema.safeParse(input);
      if (!parsed.success) throw new AwsError(code, describeProblems(parsed.error));
      return await run(parsed.data, caller);
    },
  };
}

/** Page size and token of list operations; tokens are offsets into the list. */
export function page<T>(items: readonly T[], limit: number | undefined, token: string | undefined, most: number) {
  const start = token === undefined ? 0 : Number(token);
  if (!Number.isInteger(start) || start < 0 || start > items.length) {
    throw new AwsError('InvalidToken', `The token ${token} is not valid`);
  }
  const size = Math.min(limit === undefined || limit === 0 ? most : limit, most);
  const end = start + size;
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
}
