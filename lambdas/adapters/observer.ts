import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { OperatorError } from '../contract/errors.ts';
import { type Observation, observationSchema } from '../contract/observation.ts';

const client = new LambdaClient({});

/**
 * Asks the observer, the only function that can reach the databases, for the facts of all nodes.
 *
 * @throws OperatorError ClusterUnobservable when the observer itself failed
 */
export async function observe(
  functionName: string,
  credentials: { user: string; password: string },
): Promise<Observation> {
  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify({ credentials }) }),
  );
  const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString());
  if (FunctionError !== undefined) {
    throw new OperatorError(
      'ClusterUnobservable',
      `The observer failed: ${JSON.stringify(answer)}`,
      'Its log group holds the details.',
    );
  }
  return observationSchema.parse(answer);
}
