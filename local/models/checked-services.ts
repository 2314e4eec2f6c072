/** Services whose requests, answers and errors are held against the published models. */
import { AwsError } from '../protocols/aws-error.ts';
import type { Operation, Service } from '../services/service.ts';
import { OperationChecks } from './operation-checks.ts';
import { loadServiceModels } from './service-models.ts';
import type { Problem } from './shape-checks.ts';

type Codes = Readonly<Record<Problem['kind'], string>>;

const all = (code: string): Codes => ({ type: code, required: code, unknown: code, constraint: code });

/** Codes with which the services of a protocol refuse a request that violates their model. */
const codesOfProtocol: Readonly<Record<Service['protocol'], Codes>> = {
  json: { ...all('ValidationException'), type: 'SerializationException' },
  'rest-json': { ...all('ValidationException'), type: 'SerializationException' },
  query: all('ValidationError'),
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  ec2: { ...all('InvalidParameterValue'), required: 'MissingParameter', unknown: 'UnknownParameter' },
};

/** The same of services that have codes of their own. */
const codesOfService: Readonly<Record<string, Codes>> = {
  sns: all('InvalidParameter'),
  sqs: { ...all('InvalidParameterValue'), required: 'MissingParameter' },
  logs: all('InvalidParameterException'),
};

/**
 * Errors that every service may answer with and that no model repeats, under the names of all protocols.
 * https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html,
 * https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html
 */
const commonErrors = new Set([
  ...['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'],
  ...['InternalFailure', 'ServiceUnavailable', 'Throttling', 'ThrottlingException'],
  ...['MissingAction', 'MissingParameter', 'InvalidParameterValue', 'UnknownOperationException'],
  ...['SerializationException', 'ValidationError', 'ValidationException'],
]);

/** As many problems are told; a list may repeat one in each of its items. */
const mostTold = 8;

function describe(problems: readonly Problem[]): string {
  const told = problems
    .slice(0, mostTold)
    .map(({ path, message }) => `${path === '' ? 'the whole' : path}: ${message}`)
    .join('; ');
  return problems.length > mostTold ? `${told}; and ${problems.length - mostTold} more` : told;
}

/** The runtime itself has answered what AWS would not. */
class ModelViolation extends Error {
  override readonly name = 'ModelViolation';
}

/**
 * Services that refuse what their models forbid, as the services of AWS do, and whose answers and errors are checked as
 * well: one that a model does not know is a fault of the runtime, on which code could come to rely that fails on AWS.
 * Members that a model does not know are refused, while most services of AWS ignore them: they are always a slip.
 *
 * @throws Error for a service or an operation that AWS does not have
 */
export async function checkedServices(services: readonly Service[]): Promise<Service[]> {
  const models = await loadServiceModels(services.map(({ name }) => name));
  return services.map((service) => {
    const model = models.get(service.name);
    if (model === undefined) throw new Error(`There is no published model of the service ${service.name}`);
    const checks = new OperationChecks(model, service.protocol);
    if (!checks.speaksProtocol) throw new Error(`${service.name} does not speak ${service.protocol}`);
    const operations = Object.entries(service.operations).map(([name, operation]) => {
      if (!checks.has(name)) throw new Error(`${service.name}:${name} is not an operation of AWS: no model knows it`);
      return [name, checked(service, name, operation, checks)] as const;
    });
    for (const route of service.routes ?? []) {
      if (checks.isReachedBy(route)) continue;
      throw new Error(`${service.name}:${route.operation} is not reached by ${route.method} ${route.path}`);
    }
    return { ...service, operations: Object.fromEntries(operations) };
  });
}

/**
 * The check of what Step Functions sends to a service by itself, without a request that the endpoint would see.
 *
 * @returns a function that throws AwsError for an input that the service would refuse
 */
export async function taskInputCheck(service: string, operation: string): Promise<(input: unknown) => void> {
  const model = (await loadServiceModels([service])).get(service);
  if (model === undefined) throw new Error(`There is no published model of the service ${service}`);
  // A state's parameters are JSON, whatever the service's protocol.
  const checks = new OperationChecks(model, 'json');
  return (input) => refuseInput({ name: service, protocol: 'json' }, checks.input(operation, input));
}

function checked(service: Service, name: string, operation: Operation, checks: OperationChecks): Operation {
  const violation = (what: string) => new ModelViolation(`${service.name}:${name} ${what}`);
  return {
    async call(input, caller) {
      refuseInput(service, checks.input(name, input));
      let result: unknown;
      try {
        result = await operation.call(input, caller);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        const known = checks.errors(name);
        const status = known?.get(error.code);
        if (known !== undefined && !known.has(error.code) && !commonErrors.has(error.code)) {
          throw violation(`failed with an error that its model does not know: ${error.code}: ${error.message}`);
        }
        if (status !== undefined && status !== error.status) {
          throw violation(`failed as ${error.code} with the status ${error.status} and not ${status}`);
        }
        throw error;
      }
      const problems = checks.output(name, result);
      if (problems.length > 0) throw violation(`answered what its model does not allow: ${describe(problems)}`);
      return result;
    },
  };
}

/** Refuses an input that its model forbids, in the words of its service. */
function refuseInput({ name, protocol }: Pick<Service, 'name' | 'protocol'>, problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const codes = codesOfService[name] ?? codesOfProtocol[protocol];
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`;
  throw new AwsError(codes[first.kind], `${count}: ${describe(problems)}`);
}
