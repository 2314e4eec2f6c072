/**
 * Prepares a state machine definition for the library that runs it: refuses what the library does not do or does
 * differently from AWS, and rewrites what means the same in another form. Every problem is reported at once.
 */

/** JSON of a definition. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** How a task is carried out. */
export type TaskResource =
  | { readonly kind: 'lambda'; readonly functionArn: string }
  | { readonly kind: 'lambda:invoke'; readonly waitForTaskToken: boolean }
  | { readonly kind: 'sns:publish' };

/** A state with its place in the definition. */
export interface StateFacts {
  readonly name: string;
  readonly type: string;
  readonly definition: JsonObject;
  /** The Map and Parallel states around it, outermost first; a Parallel's branch is part of the place. */
  readonly ancestors: readonly { readonly name: string; readonly type: 'Map' | 'Parallel'; readonly branch: number }[];
  readonly resource?: TaskResource;
}

/** A definition as the library runs it. */
export interface PreparedDefinition {
  readonly definition: JsonObject;
  readonly states: ReadonlyMap<string, StateFacts>;
}

/**
 * Key of the context object that replaces `$$.Execution`: inside Map and Parallel the library overwrites
 * `$$.Execution.Input` and `.StartTime` with the branch's own.
 */
export const executionContextKey = 'Run';

/** Stands in the context for a token that is made when the task starts. */
export const tokenPlaceholder = '\u0000task-token\u0000';

/** setTimeout overflows beyond this and would fire at once. */
const longestTimeoutSeconds = 2_147_483;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields that change what happens and that the library ignores. */
const refusedStateFields: Readonly<Record<string, string>> = {
  Assign: 'variables are not supported',
  Arguments: 'JSONata is not supported',
  Output: 'JSONata is not supported',
  Condition: 'JSONata is not supported',
  HeartbeatSeconds: 'heartbeats are not supported',
  HeartbeatSecondsPath: 'heartbeats are not supported',
  Credentials: 'other accounts are not supported',
  ToleratedFailureCount: 'tolerated failures are not supported',
  ToleratedFailureCountPath: 'tolerated failures are not supported',
  ToleratedFailurePercentage: 'tolerated failures are not supported',
  ToleratedFailurePercentagePath: 'tolerated failures are not supported',
  ItemReader: 'distributed maps are not supported',
  ItemBatcher: 'distributed maps are not supported',
  ResultWriter: 'distributed maps are not supported',
};

const allowedContext =
  /^\$\$\.(?:Execution\.(?:Id|Name|Input|StartTime|RoleArn)|StateMachine\.(?:Id|Name)|State\.Name|Task\.Token|Map\.Item\.(?:Value|Index))(?![A-Za-z0-9_])/;

function taskResource(resource: Json | undefined): TaskResource | string {
  if (typeof resource !== 'string') return 'Resource is missing';
  if (/^arn:aws[a-z-]*:lambda:/.test(resource)) return { kind: 'lambda', functionArn: resource };
  const match = /^arn:aws[a-z-]*:states:::(.+)$/.exec(resource);
  switch (match?.[1]) {
    case 'lambda:invoke':
      return { kind: 'lambda:invoke', waitForTaskToken: false };
    case 'lambda:invoke.waitForTaskToken':
      return { kind: 'lambda:invoke', waitForTaskToken: true };
    case 'sns:publish':
      return { kind: 'sns:publish' };
    default:
      return `resource ${resource} is not supported`;
  }
}

/** Walks one definition; collects problems and states. */
class Preparation {
  readonly problems: string[] = [];
  readonly states = new Map<string, StateFacts>();

  machine(machine: JsonObject, ancestors: StateFacts['ancestors'], where: string): JsonObject {
    if (machine.QueryLanguage !== undefined && machine.QueryLanguage !== 'JSONPath') {
      this.problems.push(`${where}: QueryLanguage ${JSON.stringify(machine.QueryLanguage)} is not supported`);
    }
    const states = isObject(machine.States) ? machine.States : {};
    const prepared: JsonObject = { ...machine, States: {} };
    if (typeof machine.TimeoutSeconds === 'number') {
      prepared.TimeoutSeconds = Math.min(machine.TimeoutSeconds, longestTimeoutSeconds);
    }
    const out = prepared.States as JsonObject;
    for (const [name, state] of Object.entries(states)) {
      if (isObject(state)) out[name] = this.#state(name, state, ancestors);
      else this.problems.push(`${name}: is not a state`);
    }
    return prepared;
  }

  #state(name: string, state: JsonObject, ancestors: StateFacts['ancestors']): JsonObject {
    const refuse = (problem: string) => this.problems.push(`${name}: ${problem}`);
    const type = typeof state.Type === 'string' ? state.Type : '';
    if (this.states.has(name)) refuse('another state has the same name; names must be unique across branches');
    for (const [field, problem] of Object.entries(refusedStateFields)) {
      if (Object.hasOwn(state, field)) refuse(`${field}: ${problem}`);
    }
    if (state.QueryLanguage !== undefined && state.QueryLanguage !== 'JSONPath') refuse('JSONata is not supported');
    let resource: TaskResource | undefined;
    if (type === 'Task') {
      const found = taskResource(state.Resource);
      if (typeof found === 'string') refuse(found);
      else resource = found;
      if (state.TimeoutSecondsPath !== undefined) {
        refuse('TimeoutSecondsPath is not supported (the library looks for it in Parameters, AWS in the input)');
      } else if (state.TimeoutSeconds === undefined) {
        refuse('a Task needs TimeoutSeconds: without it AWS waits a year, the local runtime a minute');
      }
    }
    if (type === 'Pass' && Object.hasOwn(state, 'Result') && !state.Result) {
      refuse('Result: false, 0, "" and null are not supported');
    }
    this.states.set(name, {
      name,
      type,
      definition: state,
      ancestors,
      ...(resource === undefined ? {} : { resource }),
    });

    const prepared: JsonObject = { ...state };
    for (const [field, value] of Object.entries(state)) {
      if (['ItemProcessor', 'Iterator', 'Branches', 'Choices', 'Retry', 'Catch', 'Result', 'Comment'].includes(field))
        continue;
      prepared[field] = this.#paths(value, field, { name, type, field, resource });
    }
    if (typeof prepared.TimeoutSeconds === 'number') {
      prepared.TimeoutSeconds = Math.min(prepared.TimeoutSeconds, longestTimeoutSeconds);
    }
    // The library would store the result under a key "$"; the default means the same.
    if (prepared.ResultPath === '$') delete prepared.ResultPath;
    if (Array.isArray(state.Catch)) {
      prepared.Catch = state.Catch.map((catcher) => {
        if (!isObject(catcher) || catcher.ResultPath !== '$') return catcher;
        const { ResultPath: _whole, ...rest } = catcher;
        return rest;
      });
    }
    if (Array.isArray(state.Choices)) {
      prepared.Choices = state.Choices.map((rule) => this.#choice(rule, name));
    }
    const processor = state.ItemProcessor ?? state.Iterator;
    if (isObject(processor)) {
      const mode = isObject(processor.ProcessorConfig) ? processor.ProcessorConfig.Mode : undefined;
      if (mode !== undefined && mode !== 'INLINE') refuse(`Map mode ${mode} is not supported`);
      const inner = this.machine(processor, [...ancestors, { name, type: 'Map', branch: 0 }], name);
      prepared[state.ItemProcessor === undefined ? 'Iterator' : 'ItemProcessor'] = inner;
    }
    if (Array.isArray(state.Branches)) {
      prepared.Branches = state.Branches.map((branch, index) =>
        isObject(branch)
          ? this.machine(branch, [...ancestors, { name, type: 'Parallel', branch: index }], name)
          : branch,
      );
    }
    return prepared;
  }

  /** `IsPresent: false` and its like are never true in the library: written as Not, they mean what they say. */
  #choice(rule: Json, name: string): Json {
    if (!isObject(rule)) return rule;
    const out: JsonObject = {};
    for (const [field, value] of Object.entries(rule)) {
      if (field === 'And' || field === 'Or') {
        out[field] = (Array.isArray(value) ? value : []).map((inner) => this.#choice(inner, name));
      } else if (field === 'Not') out[field] = this.#choice(value, name);
      else out[field] = this.#paths(value, field, { name, type: 'Choice', field, resource: undefined });
    }
    const negative = Object.keys(out).find((field) => /^Is[A-Z]/.test(field) && out[field] === false);
    if (negative === undefined) return out;
    const { Next: next, Variable: variable, Comment: comment } = out;
    return {
      Not: { Variable: variable ?? '', [negative]: true },
      ...(next === undefined ? {} : { Next: next }),
      ...(comment === undefined ? {} : { Comment: comment }),
    };
  }

  /** Checks and rewrites the paths and intrinsic functions in a value. */
  #paths(
    value: Json,
    key: string,
    at: { name: string; type: string; field: string; resource: TaskResource | undefined },
  ): Json {
    if (Array.isArray(value)) return value.map((item) => this.#paths(item, '', at));
    if (isObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([inner, item]) =>
          // The library knows no $$.State: the name of a state is known already.
          inner.endsWith('.$') && item === '$$.State.Name'
            ? [inner.slice(0, -2), at.name]
            : [inner, this.#paths(item, inner, at)],
        ),
      );
    }
    const isPath = key.endsWith('.$') || key.endsWith('Path') || key === 'Variable';
    if (typeof value !== 'string' || !isPath) return value;
    const refuse = (problem: string) => this.problems.push(`${at.name}: ${at.field}: ${problem}`);
    if (/\bStates\.JsonToString\(/.test(value)) {
      refuse('States.JsonToString is not supported (the library drops backslashes, so strings with quotes break)');
    }
    for (const match of value.matchAll(/\$\$[^\s,')]*/g)) {
      const path = match[0];
      if (!allowedContext.test(path)) refuse(`${path} is not supported`);
      else if (
        path.startsWith('$$.Task.') &&
        !(at.resource?.kind === 'lambda:invoke' && at.resource.waitForTaskToken)
      ) {
        refuse(`${path} exists only in Parameters of a .waitForTaskToken task`);
      } else if (path.startsWith('$$.Map.') && !(at.type === 'Map' && /^(?:ItemSelector|Parameters)$/.test(at.field))) {
        refuse(`${path} is supported only in the ItemSelector of a Map`);
      }
    }
    const isIntrinsic = value.startsWith('States.');
    if (value === '$$.State.Name') refuse('$$.State.Name is supported only as the value of a template field');
    const named = isIntrinsic
      ? value.replaceAll(/\$\$\.State\.Name(?![A-Za-z0-9_])/g, () => `'${at.name.replaceAll("'", "\\\\'")}'`)
      : value;
    return named.replaceAll(/\$\$\.Execution(?=\.)/g, () => `$$.${executionContextKey}`);
  }
}

/** Prepares a definition, or throws an error that lists all that is not supported. */
export function prepareDefinition(name: string, text: string): PreparedDefinition {
  let definition: Json;
  try {
    definition = JSON.parse(text) as Json;
  } catch (error) {
    throw new Error(`State machine ${name}: the definition is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(definition)) throw new Error(`State machine ${name}: the definition is not an object`);
  const preparation = new Preparation();
  const prepared = preparation.machine(definition, [], name);
  if (preparation.problems.length > 0) {
    const lines = preparation.problems.map((problem) => `  ${problem}`).join('\n');
    throw new Error(`State machine ${name} uses what the local runtime does not support:\n${lines}`);
  }
  return { definition: prepared, states: preparation.states };
}
