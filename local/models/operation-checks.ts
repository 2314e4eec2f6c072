/** What one operation takes and answers, checked against its service's model. */
import { RestResult } from '../protocols/rest-json.ts';
import type { Route, Service } from '../services/service.ts';
import { besideBody, inputDialects, outputDialects } from './dialects.ts';
import type { OperationModel, ServiceModel, ShapeReference } from './service-models.ts';
import { type Check, type Problem, ShapeChecks } from './shape-checks.ts';

type Protocol = Service['protocol'];

/** Input of a REST operation, as the endpoint decodes it. */
interface RestInput {
  /** From the path. */
  readonly values: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Checks the operations of one service. */
export class OperationChecks {
  readonly #model: ServiceModel;
  readonly #protocol: Protocol;
  readonly #inputs: ShapeChecks;
  readonly #besideBody: ShapeChecks;
  readonly #outputs: ShapeChecks;

  constructor(model: ServiceModel, protocol: Protocol) {
    this.#model = model;
    this.#protocol = protocol;
    this.#inputs = new ShapeChecks(model, inputDialects[protocol]);
    this.#besideBody = new ShapeChecks(model, besideBody);
    this.#outputs = new ShapeChecks(model, outputDialects[protocol]);
  }

  /** Whether the model has an operation. */
  has(operation: string): boolean {
    return Object.hasOwn(this.#model.operations, operation);
  }

  /** Whether an operation is reached as a route says. */
  isReachedBy({ operation, method, path }: Route): boolean {
    const { http } = this.#operation(operation);
    return http?.method === method && http.requestUri.replace(/\/$/, '') === path.replace(/\/$/, '');
  }

  /** Whether the service speaks the protocol. */
  get speaksProtocol(): boolean {
    const { protocol, protocols = [] } = this.#model.metadata;
    return [protocol, ...protocols].includes(this.#protocol);
  }

  /** What is wrong with an input that was decoded. */
  input(operation: string, input: unknown): Problem[] {
    const { input: reference } = this.#operation(operation);
    if (this.#protocol === 'rest-json') return this.#restInput(reference, input as RestInput);
    return run(reference === undefined ? nothing : this.#inputs.of(reference), input ?? {});
  }

  /** What is wrong with a result that is going to be encoded. */
  output(operation: string, result: unknown): Problem[] {
    const { output: reference } = this.#operation(operation);
    if (result instanceof RestResult) return this.#restOutput(reference, result);
    return run(reference === undefined ? nothing : this.#outputs.of(reference), result ?? {});
  }

  /** Codes and HTTP statuses of the errors that the model gives an operation; undefined where it knows none, as EC2's. */
  errors(operation: string): ReadonlyMap<string, number | undefined> | undefined {
    const { errors } = this.#operation(operation);
    if (errors === undefined) return undefined;
    return new Map(
      errors.map(({ shape: name }) => {
        const { error } = this.#inputs.shape(name);
        return [error?.code ?? name, error?.httpStatusCode];
      }),
    );
  }

  #operation(name: string): OperationModel {
    const operation = this.#model.operations[name];
    if (operation === undefined) throw new Error(`The model has no operation ${name}`);
    return operation;
  }

  /** A REST input is spread over the path, the query, the headers and the body. */
  #restInput(reference: ShapeReference | undefined, { values, query, headers, body }: RestInput): Problem[] {
    const { members = {}, required = [], payload } = reference === undefined ? {} : this.#inputs.shape(reference.shape);
    const problems: Problem[] = [];
    let content: Record<string, unknown> = {};
    if (payload === undefined && body !== '') {
      try {
        content = JSON.parse(body);
      } catch (error) {
        return [{ kind: 'type', path: 'body', message: `is not JSON: ${(error as Error).message}` }];
      }
    }
    const places = { uri: { ...values }, querystring: { ...query }, header: { ...headers } };
    const rest = { ...content };
    for (const [member, found] of Object.entries(members)) {
      if (member === payload) continue;
      const { location } = found;
      const isBeside = location === 'uri' || location === 'querystring' || location === 'header';
      const name = found.locationName ?? member;
      const key = location === 'header' ? name.toLowerCase() : name;
      const place: Record<string, unknown> = isBeside ? places[location] : rest;
      const value = place[key];
      delete place[key];
      if (value !== undefined && value !== null) {
        (isBeside ? this.#besideBody : this.#inputs).of(found)(value, member, problems);
      } else if (required.includes(member)) {
        problems.push({ kind: 'required', path: member, message: 'must not be missing' });
      }
    }
    for (const place of [places.querystring, places.header, rest]) {
      for (const name of Object.keys(place)) {
        problems.push({ kind: 'unknown', path: name, message: 'is not a member of the model' });
      }
    }
    return problems;
  }

  /** A REST answer that is more than JSON: its headers and its status; the body is as the function made it. */
  #restOutput(reference: ShapeReference | undefined, { status, headers }: RestResult): Problem[] {
    const { members = {} } = reference === undefined ? {} : this.#outputs.shape(reference.shape);
    const problems: Problem[] = [];
    const left = new Map(Object.entries(headers));
    for (const [member, found] of Object.entries(members)) {
      if (found.location === 'statusCode') this.#outputs.of(found)(status, member, problems);
      if (found.location !== 'header') continue;
      const name = (found.locationName ?? member).toLowerCase();
      const value = left.get(name);
      left.delete(name);
      if (value !== undefined) this.#besideBody.of(found)(value, member, problems);
    }
    for (const name of left.keys()) {
      problems.push({ kind: 'unknown', path: name, message: 'is not a header of the model' });
    }
    return problems;
  }
}

/** Check of an operation that takes or answers nothing. */
const nothing: Check = (value, _path, problems) => {
  for (const path of Object.keys(value as object)) {
    problems.push({ kind: 'unknown', path, message: 'is not a member of the model' });
  }
};

function run(check: Check, value: unknown): Problem[] {
  const problems: Problem[] = [];
  check(value, '', problems);
  return problems;
}
