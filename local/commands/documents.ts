/** SSM command documents: what is supported of them, and the check and substitution of their parameters. */
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { judge } from './allowed-pattern.ts';

/** A parameter of a document. */
interface DocumentParameter {
  readonly type: 'String';
  readonly description?: string;
  readonly default?: string;
  readonly allowedPattern?: string;
  readonly allowedValues?: readonly string[];
  readonly minChars?: number;
  readonly maxChars?: number;
}

/** A document as deployed. */
export interface CommandDocument {
  readonly name: string;
  readonly arn: string;
  readonly region: string;
  readonly account: string;
  readonly description: string;
  readonly content: string;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly platforms: readonly string[];
  readonly stepName: string;
  readonly lines: readonly string[];
  /** Seconds, or a parameter's placeholder. */
  readonly timeout: string;
  readonly created: Date;
}

interface Step {
  readonly action: string;
  readonly name: string;
  readonly precondition?: { StringEquals?: readonly string[] };
  readonly inputs?: {
    readonly runCommand?: unknown;
    readonly timeoutSeconds?: unknown;
    readonly [key: string]: unknown;
  };
}

/** A command that does not say how long it may run gets an hour. */
const defaultTimeoutSeconds = 3600;

const placeholder = /\{\{\s*([A-Za-z0-9_.:-]+)\s*\}\}/g;

/** Names that the agent takes; it passes over parameters with other ones. */
const parameterName = /^[a-zA-Z0-9]+$/;

/**
 * Parameters in the text replaced as the agent does it: textually, whatever is around them, and with one dollar for
 * two (ReplaceParameter in agent/framework/docparser/parameters/parameters.go).
 */
export function substitute(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(placeholder, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '').replaceAll('$$', () => '$') : whole,
  );
}

function parseParameters(
  name: string,
  given: Record<string, Record<string, unknown>>,
): Record<string, DocumentParameter> {
  const known = [
    'type',
    'description',
    'default',
    'allowedPattern',
    'allowedValues',
    'minChars',
    'maxChars',
    'displayType',
  ];
  for (const [key, parameter] of Object.entries(given)) {
    if (!parameterName.test(key)) throw new Error(`Document ${name}: the agent passes over a parameter named ${key}`);
    const unknown = Object.keys(parameter).filter((field) => !known.includes(field));
    if (unknown.length > 0) {
      throw new Error(
        `Document ${name}: parameter ${key}: ${unknown.join(', ')} is not supported by the local runtime`,
      );
    }
    if (parameter.type !== 'String') {
      throw new Error(
        `Document ${name}: parameter ${key}: type ${parameter.type} is not supported by the local runtime`,
      );
    }
  }
  return given as unknown as Record<string, DocumentParameter>;
}

/** Reads a document; refuses what the runtime's agent does not do. */
export function parseDocument(
  facts: Pick<CommandDocument, 'name' | 'arn' | 'region' | 'account'>,
  content: Record<string, unknown>,
): CommandDocument {
  const refuse = (problem: string): never => {
    throw new Error(`Document ${facts.name}: ${problem} is not supported by the local runtime`);
  };
  if (content.schemaVersion !== '2.2') refuse(`schemaVersion ${content.schemaVersion}`);
  const steps = content.mainSteps as Step[] | undefined;
  const [step] = steps ?? [];
  if (steps?.length !== 1 || step === undefined) return refuse('anything but one step');
  if (step.action !== 'aws:runShellScript') refuse(`action ${step.action}`);
  const unknownStepFields = Object.keys(step).filter(
    (key) => !['action', 'name', 'precondition', 'inputs'].includes(key),
  );
  if (unknownStepFields.length > 0) refuse(unknownStepFields.join(', '));
  const inputs = step.inputs ?? {};
  const unknownInputs = Object.keys(inputs).filter((key) => !['runCommand', 'timeoutSeconds'].includes(key));
  if (unknownInputs.length > 0) refuse(`input ${unknownInputs.join(', ')}`);
  const condition = step.precondition?.StringEquals;
  if (step.precondition !== undefined && JSON.stringify(condition) !== '["platformType","Linux"]') {
    refuse(`precondition ${JSON.stringify(step.precondition)}`);
  }
  const run = inputs.runCommand;
  // The agent would fail every command: "Invalid format in plugin properties" (agent/plugins/runscript/runscript.go).
  if (!Array.isArray(run)) return refuse('runCommand as anything but a list of lines, which the agent refuses, too,');
  const lines = run.map((line) => (typeof line === 'string' ? line : refuse('runCommand')));
  const parameters = parseParameters(facts.name, (content.parameters ?? {}) as Record<string, Record<string, unknown>>);
  const timeout = String(inputs.timeoutSeconds ?? defaultTimeoutSeconds);
  for (const [, name] of [...lines, timeout].join('\n').matchAll(placeholder)) {
    if (name !== undefined && !Object.hasOwn(parameters, name))
      refuse(`{{${name}}}, which is not one of its parameters,`);
  }
  return {
    ...facts,
    description: typeof content.description === 'string' ? content.description : '',
    content: JSON.stringify(content, undefined, 2),
    parameters,
    platforms: ['Linux'],
    stepName: step.name,
    lines,
    timeout,
    created: new Date(),
  };
}

/**
 * Values of all parameters, defaults filled in; throws InvalidParameters as SSM does. A pattern that only the agent
 * cannot compile is no hindrance here: the command is sent, and fails on its host ({@link agentRefusal}).
 */
export function checkParameters(
  document: CommandDocument,
  given: Readonly<Record<string, readonly string[]>>,
): Record<string, string> {
  const refuse = (message: string): never => {
    throw new AwsError('InvalidParameters', message);
  };
  const values: Record<string, string> = {};
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(document.parameters, name)) {
      refuse(`Parameters not defined in the document: ${name}`);
    }
  }
  for (const [name, parameter] of Object.entries(document.parameters)) {
    const list = given[name];
    if (list !== undefined && list.length !== 1) refuse(`Parameter ${name} takes exactly one value`);
    const value = list?.[0] ?? parameter.default;
    if (value === undefined) return refuse(`Missing required parameter: ${name}`);
    // Nothing says what AWS does with an empty value: who sends one would learn it there first.
    if (value === '') return refuse(`Parameter "${name}" is empty, which the local runtime does not take`);
    const { allowedPattern, allowedValues, minChars, maxChars } = parameter;
    if (allowedPattern !== undefined && judge(allowedPattern, value) === 'differs') {
      refuse(`Parameter "${name}" value "${value}" does not match the allowed pattern: ${allowedPattern}`);
    }
    if (allowedValues !== undefined && !allowedValues.includes(value)) {
      refuse(`Parameter "${name}" value "${value}" is not one of ${allowedValues.join(', ')}`);
    }
    if (value.length < (minChars ?? 0) || value.length > (maxChars ?? Number.POSITIVE_INFINITY)) {
      refuse(`Parameter "${name}" has ${value.length} characters`);
    }
    values[name] = value;
  }
  return values;
}

/**
 * Why the agent refuses a document before it starts anything, in the words of its log; undefined when it takes it. It
 * compiles and applies every pattern itself (ValidateSSMParameters in
 * agent/framework/docparser/parameterstore/parameterstore.go); lengths and lists of values it leaves to SSM.
 */
export function agentRefusal(
  { parameters }: CommandDocument,
  values: Readonly<Record<string, string>>,
): string | undefined {
  const problems = Object.entries(parameters).flatMap(([name, { allowedPattern }]) => {
    const value = values[name] ?? '';
    const verdict = allowedPattern === undefined ? 'matches' : judge(allowedPattern, value);
    if (verdict === 'matches') return [];
    const reason =
      verdict === 'differs'
        ? `parameter value /${value}/ does not match the allowed pattern /${allowedPattern}/`
        : `encountered error while compiling allowed pattern - internal error: ${verdict.invalid}`;
    return [`error thrown in 'AllowedRegexParamValidator' while validating parameter /${name}/: ${reason}`];
  });
  return problems.length === 0 ? undefined : `all errors during param validation errors: ${problems.join('\n')}`;
}

/** Seconds that a command may run: 5 to 172800, and an hour for anything else, as SSM silently does. */
export function executionTimeoutSeconds(document: CommandDocument, values: Readonly<Record<string, string>>): number {
  const seconds = Number(substitute(document.timeout, values));
  return Number.isInteger(seconds) && seconds >= 5 && seconds <= 172_800 ? seconds : defaultTimeoutSeconds;
}

/** The documents of the assembly. */
export class Documents {
  readonly #documents: CommandDocument[];

  constructor(stacks: readonly Stack[]) {
    this.#documents = resourcesOf(stacks, 'AWS::SSM::Document').map(({ stack, resource }) => {
      const { DocumentType: type, Content: content } = resource.properties as {
        DocumentType?: string;
        Content?: string | Record<string, unknown>;
      };
      if (type !== undefined && type !== 'Command')
        throw new Error(`Document ${resource.id}: type ${type} is not supported`);
      const parsed = typeof content === 'string' ? (JSON.parse(content) as Record<string, unknown>) : (content ?? {});
      const { region, account } = stack;
      return parseDocument({ name: resource.id, arn: resource.attributes.Arn ?? '', region, account }, parsed);
    });
  }

  /** Documents of a region, sorted by name. */
  list(region: string): CommandDocument[] {
    return this.#documents
      .filter((document) => document.region === region)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Finds a document by name or ARN. What was deployed is its only version: the default, the latest, and 1. */
  find(name: string, region: string, version = '$DEFAULT'): CommandDocument {
    const found = this.list(region).find((document) => document.name === name || document.arn === name);
    if (found === undefined) throw new AwsError('InvalidDocument', `Document with name ${name} does not exist.`);
    if (!['$DEFAULT', '$LATEST', '1'].includes(version)) {
      throw new AwsError('InvalidDocumentVersion', `Document ${name} has no version ${version}.`);
    }
    return found;
  }
}
