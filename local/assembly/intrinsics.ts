/**
 * CloudFormation intrinsic functions, as far as CDK emits them. Anything else is refused by name:
 * a template that the runtime misreads must not run.
 */

/** What the functions of one stack resolve against. */
export interface Scope {
  readonly pseudoParameters: Readonly<Record<string, string>>;
  /** Value of a template parameter; undefined when there is none of that name. */
  parameter(name: string): unknown;
  /** `Ref` of a resource; undefined when there is none of that name. */
  ref(logicalId: string): string | undefined;
  /** `Fn::GetAtt` of a resource. */
  attribute(logicalId: string, name: string): string;
  /** Value of a condition. */
  condition(name: string): boolean;
  /** Value of a mapping. */
  mapping(map: string, first: string, second: string): unknown;
}

/** The absence of a value: `AWS::NoValue` removes the property that holds it. */
const noValue = Symbol('AWS::NoValue');

/** Pseudo parameters of a stack. */
export function pseudoParameters(stack: { name: string; id: string; account: string; region: string }) {
  return {
    'AWS::AccountId': stack.account,
    'AWS::Region': stack.region,
    'AWS::Partition': 'aws',
    'AWS::StackName': stack.name,
    'AWS::StackId': stack.id,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${where} needs a string and got ${JSON.stringify(value) ?? 'nothing'}`);
}

function list(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${where} needs a list and got ${JSON.stringify(value) ?? 'nothing'}`);
}

function reference(name: string, scope: Scope): unknown {
  if (name === 'AWS::NoValue') return noValue;
  const value = scope.pseudoParameters[name] ?? scope.parameter(name) ?? scope.ref(name);
  if (value === undefined) throw new Error(`Ref ${name}: no such resource or parameter`);
  return value;
}

function substitute(template: string, values: Record<string, unknown>, scope: Scope): string {
  return template.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    const key = name.trim();
    if (Object.hasOwn(values, key)) return text(values[key], `Fn::Sub ${key}`);
    const dot = key.indexOf('.');
    return dot > 0
      ? scope.attribute(key.slice(0, dot), key.slice(dot + 1))
      : text(reference(key, scope), `Fn::Sub ${key}`);
  });
}

type Function = (argument: unknown, scope: Scope) => unknown;

const functions: Readonly<Record<string, Function>> = {
  Ref: (name, scope) => reference(text(name, 'Ref'), scope),
  'Fn::GetAtt': (argument, scope) => {
    const [id, ...rest] = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
    return scope.attribute(
      text(id, 'Fn::GetAtt'),
      rest.map((part) => text(resolve(part, scope), 'Fn::GetAtt')).join('.'),
    );
  },
  'Fn::Join': (argument, scope) => {
    const [separator, parts] = list(argument, 'Fn::Join');
    const values = list(resolve(parts, scope), 'Fn::Join');
    return values.map((part) => text(part, 'Fn::Join')).join(text(separator, 'Fn::Join'));
  },
  'Fn::Sub': (argument, scope) => {
    if (typeof argument === 'string') return substitute(argument, {}, scope);
    const [template, values] = list(argument, 'Fn::Sub');
    return substitute(text(template, 'Fn::Sub'), resolve(values, scope) as Record<string, unknown>, scope);
  },
  'Fn::Select': (argument, scope) => {
    const [index, from] = list(argument, 'Fn::Select');
    const values = list(resolve(from, scope), 'Fn::Select');
    const value = values[Number(resolve(index, scope))];
    if (value === undefined) throw new Error(`Fn::Select: no element ${index} in a list of ${values.length}`);
    return value;
  },
  'Fn::Split': (argument, scope) => {
    const [separator, from] = list(argument, 'Fn::Split');
    return text(resolve(from, scope), 'Fn::Split').split(text(separator, 'Fn::Split'));
  },
  'Fn::If': (argument, scope) => {
    const [name, yes, no] = list(argument, 'Fn::If');
    return resolve(scope.condition(text(name, 'Fn::If')) ? yes : no, scope);
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(resolve(argument, scope), 'Fn::Equals');
    return left === right;
  },
  'Fn::And': (argument, scope) => list(argument, 'Fn::And').every((part) => resolve(part, scope) === true),
  'Fn::Or': (argument, scope) => list(argument, 'Fn::Or').some((part) => resolve(part, scope) === true),
  'Fn::Not': (argument, scope) => resolve(list(argument, 'Fn::Not')[0], scope) !== true,
  'Fn::FindInMap': (argument, scope) => {
    const [map, first, second] = list(resolve(argument, scope), 'Fn::FindInMap');
    return scope.mapping(text(map, 'Fn::FindInMap'), text(first, 'Fn::FindInMap'), text(second, 'Fn::FindInMap'));
  },
};

/** Replaces every intrinsic function in a value. */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, scope)).filter((item) => item !== noValue);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [name, argument] = only;
    const run = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (run !== undefined) return run(argument, scope);
    if (name === 'Condition' && typeof argument === 'string') return scope.condition(argument);
    if (name.startsWith('Fn::')) throw new Error(`${name} is not supported by the local runtime`);
  }
  return Object.fromEntries(
    entries.map(([key, item]) => [key, resolve(item, scope)]).filter(([, item]) => item !== noValue),
  );
}
