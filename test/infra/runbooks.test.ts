/** What all runbooks have in common, read from the definitions that would be deployed. */
import { describe, expect, it } from 'vitest';
import { resourceNames, runbookNames } from '../../lambdas/contract/names.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { asText, resourcesOf } from './assembly.ts';
import { example } from './clusters.ts';
import { all, templateOf } from './example-stacks.ts';

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: { readonly FunctionName?: string };
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Catch?: readonly { readonly Next: string }[];
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[] }[];
}

const template = templateOf(example);
const functionName = (state: State | undefined): string | undefined => {
  const id = /<(\w+)\.Arn>/.exec(state?.Resource ?? '')?.[1];
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(([logicalId]) => logicalId === id);
  return found?.[1].Properties.FunctionName as string | undefined;
};
const own = (name: string) => resourceNames(example.name).function(name);

function statesOf(runbook: string): Record<string, State> {
  const machine = all(template, 'AWS::StepFunctions::StateMachine').find(
    ({ StateMachineName }) => StateMachineName === runbook,
  );
  return (JSON.parse(asText(machine?.DefinitionString)) as { States: Record<string, State> }).States;
}

/** Names of the states after which `name` may come. */
function previousTo(states: Record<string, State>, name: string): string[] {
  const nexts = ({ Next, Default, Choices = [], Catch = [] }: State) =>
    [Next, Default, ...Choices.map((choice) => choice.Next), ...Catch.map((each) => each.Next)].filter(
      (next) => next !== undefined,
    );
  return Object.keys(states).filter((each) => nexts(states[each] as State).includes(name));
}

describe.each(runbookNames.filter((name) => name !== 'maintenance'))('the %s runbook', (runbook) => {
  const states = statesOf(resourceNames(example.name).runbook(runbook));

  it('has the checker look, whether it succeeds or fails, before it gives the lock back', () => {
    const releases = Object.keys(states).filter((name) => functionName(states[name]) === own('release-lock'));
    expect(releases).toHaveLength(2);
    for (const release of releases) {
      const previous = previousTo(states, release);
      const looks = previous.filter((name) => functionName(states[name]) === own('check-cluster'));
      expect(looks).toHaveLength(1);
      // Otherwise only when that could not look.
      for (const other of previous.filter((name) => !looks.includes(name))) {
        expect(previousTo(states, other)).toEqual(looks);
      }
    }
  });
});

it('every command of the hosts is a step of a runbook', () => {
  const definitions = all(template, 'AWS::StepFunctions::StateMachine')
    .map(({ DefinitionString }) => asText(DefinitionString))
    .join('\n');
  const unused = nodeCommandNames.filter((command) => !definitions.includes(`"command":"${command}"`));
  expect(unused).toEqual([]);
});

/** Steps that are given up soon, since another way follows, which would only be late. */
const withAnotherWay = ['Stop its PostgreSQL', 'Ask for its end', 'Stop following', 'Lift fence'];

it('every step without another way is repeated when its function was cut off', () => {
  const tasks = all(template, 'AWS::StepFunctions::StateMachine')
    .flatMap(({ DefinitionString }) => nested(JSON.parse(asText(DefinitionString))))
    .filter(([, { Type, Resource }]) => Type === 'Task' && /lambda|<\w+\.Arn>/.test(Resource ?? ''));
  expect(tasks.length).toBeGreaterThan(50);
  const ends = tasks.filter(([, { Retry = [] }]) => {
    const repeated = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
    const cutOff = repeated.includes('Lambda.Unknown') && repeated.includes('Sandbox.Timedout');
    return !cutOff && !repeated.includes('States.TaskFailed');
  });
  expect(new Set(ends.map(([name]) => name))).toEqual(new Set(withAnotherWay));
});

/** The states of a definition, and those within them, by name. */
function nested(value: unknown): [name: string, state: State][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(typeof inner === 'object' && inner !== null && 'Type' in inner
      ? [[name, inner as State] as [string, State]]
      : []),
    ...nested(inner),
  ]);
}
