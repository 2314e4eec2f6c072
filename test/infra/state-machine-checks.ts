/** What is wrong with a state machine's definition. CloudFormation would deploy nearly anything. */
import { errorNames } from '../../lambdas/contract/errors.ts';
import { definitionErrors } from '../../local/executions/definition-errors.ts';

interface State {
  readonly Type: string;
  readonly Retry?: Handler[];
  readonly Catch?: Handler[];
  readonly Branches?: States[];
  readonly ItemProcessor?: States;
  readonly Iterator?: States;
  readonly [field: string]: unknown;
}

type Handler = { readonly ErrorEquals: string[]; readonly [field: string]: unknown };

interface States {
  readonly States: Record<string, State>;
}

// asl-validator lets any field pass here, and Step Functions refuses a misspelt one only when it is deployed.
const handlerFields = {
  Retry: [
    'ErrorEquals',
    'IntervalSeconds',
    'MaxAttempts',
    'BackoffRate',
    'MaxDelaySeconds',
    'JitterStrategy',
    'Comment',
  ],
  Catch: ['ErrorEquals', 'Next', 'ResultPath', 'Comment'],
};

/** Every problem of each definition (JSON text), each in a line that names its state. */
export function stateMachineProblems(definitions: readonly string[]): string[][] {
  const errors = definitionErrors(definitions);
  return definitions.map((definition, index) => [...(errors[index] ?? []), ...ownProblems(definition)]);
}

/** What asl-validator does not look at. */
function ownProblems(definition: string): string[] {
  const states = allStates(JSON.parse(definition) as States);
  return [
    ...duplicates(states.map(([name]) => name)).map((name) => `${name}: two states have this name`),
    ...states.flatMap(([name, state]) => stateProblems(state).map((problem) => `${name}: ${problem}`)),
  ];
}

function stateProblems(state: State): string[] {
  const untimed = state.Type === 'Task' && !('TimeoutSeconds' in state) && !('TimeoutSecondsPath' in state);
  return [
    ...(untimed ? ['a Task without TimeoutSeconds waits for 99999999 seconds'] : []),
    ...handlerProblems('Retry', state.Retry),
    ...handlerProblems('Catch', state.Catch),
  ];
}

function handlerProblems(kind: 'Retry' | 'Catch', handlers: Handler[] = []): string[] {
  return handlers.flatMap((handler) => [
    ...Object.keys(handler)
      .filter((field) => !handlerFields[kind].includes(field))
      .map((field) => `${kind} has the unknown field ${field}`),
    ...handler.ErrorEquals.filter((name) => !isKnownError(name)).map((name) => `${kind} matches no error: ${name}`),
  ]);
}

/** Lambda's own name for a function that was cut off at its timeout. */
const cutOff = 'Sandbox.Timedout';

function isKnownError(name: string): boolean {
  return /^(States|Lambda)\./.test(name) || name === cutOff || errorNames.some((known) => known === name);
}

function allStates({ States: states }: States): [string, State][] {
  return Object.entries(states).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...[...(state.Branches ?? []), state.ItemProcessor, state.Iterator].flatMap((inner) =>
      inner === undefined ? [] : allStates(inner),
    ),
  ]);
}

function duplicates(names: string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
