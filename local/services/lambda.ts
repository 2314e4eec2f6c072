/** AWS Lambda: invocations and what a function is. */
import * as z from 'zod';
import type { FunctionFacts, Functions } from '../functions/functions.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { RestResult } from '../protocols/rest-json.ts';
import { operation, page, type Service } from './service.ts';

const empty = z.strictObject({});
const noHeaders = empty;

function configuration(facts: FunctionFacts) {
  return {
    FunctionName: facts.name,
    FunctionArn: facts.arn,
    Runtime: facts.runtime,
    Role: facts.role,
    Handler: facts.handler,
    Description: facts.description,
    Timeout: facts.timeoutSeconds,
    MemorySize: facts.memoryMegabytes,
    LastModified: facts.lastModified.toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: facts.architectures,
    Environment: { Variables: facts.environment },
    LoggingConfig: { LogFormat: 'Text', LogGroup: facts.logGroup },
  };
}

/** The Lambda API over the functions of the assembly. */
export function lambdaService(functions: Functions): Service {
  const byName = z.strictObject({
    values: z.strictObject({ FunctionName: z.string() }),
    query: z.strictObject({ Qualifier: z.literal('$LATEST').optional() }),
    headers: noHeaders,
    body: z.string(),
  });
  const invokeInput = z.strictObject({
    values: z.strictObject({ FunctionName: z.string() }),
    query: z.strictObject({ Qualifier: z.literal('$LATEST').optional() }),
    headers: z.strictObject({
      'x-amz-invocation-type': z.enum(['RequestResponse', 'Event', 'DryRun']).default('RequestResponse'),
      'x-amz-log-type': z.literal('None').optional(),
    }),
    body: z.string(),
  });
  return {
    name: 'lambda',
    protocol: 'rest-json',
    routes: [
      { method: 'POST', path: '/2015-03-31/functions/{FunctionName}/invocations', operation: 'Invoke' },
      { method: 'GET', path: '/2015-03-31/functions', operation: 'ListFunctions' },
      { method: 'GET', path: '/2015-03-31/functions/', operation: 'ListFunctions' },
      { method: 'GET', path: '/2015-03-31/functions/{FunctionName}', operation: 'GetFunction' },
      {
        method: 'GET',
        path: '/2015-03-31/functions/{FunctionName}/configuration',
        operation: 'GetFunctionConfiguration',
      },
    ],
    operations: {
      Invoke: operation(invokeInput, async ({ values, headers, body }, { region }) => {
        const facts = functions.find(values.FunctionName, region);
        const payload = body === '' ? '{}' : body;
        try {
          JSON.parse(payload);
        } catch (error) {
          throw new AwsError(
            'InvalidRequestContentException',
            `Could not parse request body into json: ${(error as Error).message}`,
          );
        }
        const type = headers['x-amz-invocation-type'];
        if (type === 'DryRun') return new RestResult(204, {}, '');
        if (type === 'Event') {
          functions.invokeAsync(facts.arn, payload);
          return new RestResult(202, {}, '');
        }
        const result = await functions.invoke(facts.arn, payload);
        const version = { 'x-amz-executed-version': '$LATEST' };
        return result.ok
          ? new RestResult(200, version, result.payload)
          : new RestResult(200, { ...version, 'x-amz-function-error': 'Unhandled' }, JSON.stringify(result.error));
      }),
      ListFunctions: operation(
        z.strictObject({
          values: empty,
          query: z.strictObject({ MaxItems: z.coerce.number().optional(), Marker: z.string().optional() }),
          headers: noHeaders,
          body: z.string(),
        }),
        ({ query }, { region }) => {
          const { items, nextToken } = page(functions.list(region), query.MaxItems, query.Marker, 50);
          return { Functions: items.map(configuration), NextMarker: nextToken };
        },
      ),
      GetFunction: operation(byName, ({ values }, { region }) => {
        const facts = functions.find(values.FunctionName, region);
        return {
          Configuration: configuration(facts),
          Code: { RepositoryType: 'Local', Location: `file://${facts.taskRoot}` },
        };
      }),
      GetFunctionConfiguration: operation(byName, ({ values }, { region }) =>
        configuration(functions.find(values.FunctionName, region)),
      ),
    },
  };
}
