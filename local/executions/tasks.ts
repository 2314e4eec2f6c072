/** The integrations that a Task can call: Lambda functions, with and without a task token, and SNS. */

import { type AccessControl, AccessDenied, type Call } from '../access/access-control.ts';
import { refusal } from '../access/gate.ts';
import type { RoleSession } from '../access/principal.ts';
import type { Functions } from '../functions/functions.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { type Json, type TaskResource, tokenPlaceholder } from './definition.ts';
import type { HistoryRecorder, Visit } from './history.ts';
import { data } from './history.ts';
import { TaskAbandoned, TaskFailure } from './task-failure.ts';
import type { TaskTokens } from './task-tokens.ts';

/** What tasks reach. */
export interface TaskServices {
  readonly access: AccessControl;
  readonly functions: Functions;
  readonly tokens: TaskTokens;
  /** Publishes with the fields of SNS's Publish; throws {@link AwsError}. */
  readonly publish: (input: Record<string, unknown>, region: string) => Promise<{ MessageId: string }>;
}

/** The state machine whose task it is. */
export interface TaskOwner {
  readonly arn: string;
  readonly region: string;
  /** Its role, as an execution has assumed it. */
  readonly session: RoleSession;
}

/** Largest input or result of a state. */
const mostBytes = 262_144;

function requireWithinLimit(name: string, what: string, value: unknown): void {
  if (Buffer.byteLength(JSON.stringify(value) ?? '') > mostBytes) {
    throw new TaskFailure(
      'States.DataLimitExceeded',
      `The state/task '${name}' ${what} with a size exceeding the maximum number of bytes service limit.`,
    );
  }
}

/** Puts the token where the definition asked for it. */
function withToken(value: unknown, token: string): unknown {
  if (typeof value === 'string') return value.replaceAll(tokenPlaceholder, token);
  if (Array.isArray(value)) return value.map((item) => withToken(item, token));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withToken(item, token)]));
  }
  return value;
}

/** Asks whether the state machine's role may do it; a refusal is the task's failure, by the name that it has in a Catch. */
async function permit({ access }: TaskServices, { session }: TaskOwner, call: Call): Promise<void> {
  try {
    await access.check(session, call);
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error;
    const [service = ''] = call.action.split(':');
    const { code, message, status } = refusal(service, error);
    // As seen in https://github.com/awslabs/aws-deployment-framework/issues/460.
    const [name, client] =
      service === 'lambda' ? ['Lambda.AWSLambdaException', 'AWSLambda'] : [`SNS.${code}Exception`, 'Sns'];
    throw new TaskFailure(name, `${message} (Service: ${client}; Status Code: ${status}; Error Code: ${code})`);
  }
}

/** Invokes a function; its failure is the task's. */
async function invokeFunction(
  services: TaskServices,
  owner: TaskOwner,
  arn: string,
  payload: unknown,
): Promise<unknown> {
  await permit(services, owner, { action: 'lambda:InvokeFunction', resources: [arn] });
  try {
    const result = await services.functions.invoke(arn, JSON.stringify(payload) ?? 'null');
    if (!result.ok) throw new TaskFailure(result.error.errorType, JSON.stringify(result.error));
    return JSON.parse(result.payload) as unknown;
  } catch (error) {
    if (error instanceof AwsError) throw new TaskFailure(`Lambda.${error.code}`, error.message);
    throw error;
  }
}

function findFunction(services: TaskServices, name: unknown, region: string): string {
  if (typeof name !== 'string') throw new TaskFailure('States.Runtime', 'Parameters have no FunctionName');
  try {
    return services.functions.find(name, region).arn;
  } catch (error) {
    throw new TaskFailure('Lambda.ResourceNotFoundException', (error as Error).message);
  }
}

async function callLambda(
  services: TaskServices,
  owner: TaskOwner,
  input: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { FunctionName: name, Payload: payload, ...rest } = input;
  const unknown = Object.keys(rest).filter((key) => !(key === 'InvocationType' && rest[key] === 'RequestResponse'));
  if (unknown.length > 0) {
    throw new TaskFailure('States.Runtime', `lambda:invoke: ${unknown.join(', ')} not served by the local runtime`);
  }
  const arn = findFunction(services, name, owner.region);
  return {
    ExecutedVersion: '$LATEST',
    Payload: await invokeFunction(services, owner, arn, payload ?? {}),
    SdkHttpMetadata: { HttpStatusCode: 200 },
    StatusCode: 200,
  };
}

async function publish(services: TaskServices, owner: TaskOwner, input: Record<string, unknown>): Promise<unknown> {
  await permit(services, owner, { action: 'sns:Publish', resources: [String(input.TopicArn)] });
  // Step Functions sends a message that is not a string as JSON.
  const message = typeof input.Message === 'string' ? input.Message : JSON.stringify(input.Message);
  try {
    const { MessageId } = await services.publish({ ...input, Message: message }, owner.region);
    return { MessageId, SdkHttpMetadata: { HttpStatusCode: 200 } };
  } catch (error) {
    if (error instanceof AwsError) throw new TaskFailure(`SNS.${error.code}Exception`, error.message);
    throw error;
  }
}

/** What a state hands on, as large as it will be: its result, beside its input where ResultPath says so. */
function output({ ResultPath: path = '$' }: Readonly<Record<string, unknown>>, input: unknown, result: unknown) {
  if (path === null) return input;
  return path === '$' ? result : [input, result];
}

/** Runs one attempt of a Task and records it in the history as Step Functions does. */
export async function runTask(
  services: TaskServices,
  recorder: HistoryRecorder,
  visit: Visit,
  resource: TaskResource,
  given: unknown,
  owner: TaskOwner,
): Promise<unknown> {
  const { region } = owner;
  const { definition, name } = visit.state;
  const timeoutInSeconds = typeof definition.TimeoutSeconds === 'number' ? definition.TimeoutSeconds : undefined;
  const isBare = resource.kind === 'lambda';
  const prefix = isBare ? 'LambdaFunction' : 'Task';
  const [resourceType, action] = resource.kind === 'sns:publish' ? ['sns', 'publish'] : ['lambda', 'invoke'];
  const waits = resource.kind === 'lambda:invoke' && resource.waitForTaskToken;
  const names = isBare ? {} : { resourceType, resource: waits ? `${action}.waitForTaskToken` : action };
  const task = waits ? services.tokens.create(owner.arn) : undefined;
  const input = task === undefined ? given : withToken(given, task.token);
  requireWithinLimit(name, 'has parameters', input);
  const { text, details: inputDetails } = data(input as Json);
  recorder.add(
    visit,
    `${prefix}Scheduled`,
    isBare
      ? { resource: resource.functionArn, input: text, inputDetails, timeoutInSeconds }
      : { ...names, region, parameters: text, timeoutInSeconds },
  );
  recorder.add(visit, `${prefix}Started`, names);
  visit.attempt = { prefix, details: names };
  const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>();
  // Once the attempt is over, nobody waits for this any more.
  abandoned.catch(() => {});
  visit.onClose(() => {
    if (task !== undefined) services.tokens.close(task.token);
    abandon(new TaskAbandoned());
  });
  const parameters = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  const carryOut = async (): Promise<unknown> => {
    if (resource.kind === 'lambda') return await invokeFunction(services, owner, resource.functionArn, input);
    if (resource.kind === 'sns:publish') return await publish(services, owner, parameters);
    const call = callLambda(services, owner, parameters);
    if (task === undefined) return await call;
    // The token may be answered while the function that got it still runs.
    const answer = await Promise.race([call, task.result.then(() => undefined)]);
    if (answer !== undefined && !visit.closed) {
      const { text: output, details: outputDetails } = data(answer);
      recorder.add(visit, 'TaskSubmitted', { ...names, output, outputDetails });
    }
    return await task.result;
  };
  try {
    const result = await Promise.race([abandoned, carryOut()]);
    if (visit.closed) return result;
    requireWithinLimit(name, 'returned a result', output(definition, visit.input, result));
    const { text: outputText, details: outputDetails } = data(result);
    recorder.add(visit, `${prefix}Succeeded`, { ...names, output: outputText, outputDetails });
    visit.attempt = undefined;
    return result;
  } catch (error) {
    if (!visit.closed) {
      const { name: errorName, message } = error as Error;
      recorder.add(visit, `${prefix}Failed`, { ...names, error: errorName, cause: message });
      visit.attempt = undefined;
    }
    if (task !== undefined) services.tokens.close(task.token);
    throw error;
  }
}
