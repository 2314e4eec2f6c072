/** Time limits leave room at AWS's pace: the ones that have a name, and every one that a template holds. */
import { describe, expect, it, test } from 'vitest';
import { nodeCommands } from '../../lambdas/contract/node-commands.ts';
import * as limits from '../../lambdas/contract/time-limits.ts';
import { functionCourses, neededSeconds, timeBudgets } from '../../local/pace/time-budgets.ts';
import { asText } from './assembly.ts';
import { example } from './clusters.ts';
import { all, templateOf } from './example-stacks.ts';

test.each(timeBudgets)('$limit: $seconds s leave room for: $within', (budget) => {
  expect(budget.seconds).toBeGreaterThanOrEqual(neededSeconds(budget));
});

describe('a stack', () => {
  const template = templateOf(example);
  const machines = all(template, 'AWS::StepFunctions::StateMachine').map(({ DefinitionString: text }) =>
    JSON.parse(asText(text)),
  );
  const functions = new Map(
    all(template, 'AWS::Lambda::Function')
      .map(
        ({ FunctionName, Timeout }) => [String(FunctionName).replace(`${example.name}-`, ''), Number(Timeout)] as const,
      )
      .filter(([name]) => name in functionCourses || !/Custom|CDK|Provider/i.test(name)),
  );

  interface State {
    readonly Type: string;
    readonly Resource?: string;
    readonly TimeoutSeconds?: number;
    readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
    readonly Default?: string;
    readonly Retry?: readonly { readonly ErrorEquals: readonly string[] }[];
    readonly Parameters?: { readonly Payload?: { readonly command?: string } };
    readonly Branches?: readonly Machine[];
    readonly ItemProcessor?: Machine;
  }
  interface Machine {
    readonly States: Readonly<Record<string, State>>;
  }
  const statesOf = (machine: Machine): [string, State][] =>
    Object.entries(machine.States).flatMap(([name, state]) => [
      [name, state] as [string, State],
      ...(state.Branches ?? []).flatMap(statesOf),
      ...(state.ItemProcessor === undefined ? [] : statesOf(state.ItemProcessor)),
    ]);
  const tasks = machines.flatMap(statesOf).filter(([, { Type }]) => Type === 'Task');

  it('says of every function what it does within its timeout (local/pace/time-budgets.ts)', () => {
    expect([...functions.keys()].toSorted()).toEqual(Object.keys(functionCourses).toSorted());
  });

  it.each([...functions])('%s has time for its work within %i s', (name, timeout) => {
    const course = functionCourses[name];
    expect(timeout).toBeGreaterThanOrEqual(course === undefined ? Number.POSITIVE_INFINITY : neededSeconds(course));
    expect(timeout).toBeLessThanOrEqual(60);
  });

  it('fences by EC2 at once when another command keeps the host busy', () => {
    const [, fence] = tasks.find(([name]) => name === 'Stop its PostgreSQL') ?? [];
    expect(fence?.Retry?.flatMap(({ ErrorEquals }) => ErrorEquals)).not.toContain('HostBusy');
  });

  it('asks SSM once what became of the fencing command before EC2 takes the power of a host that answers late', () => {
    const branch = machines.flatMap(statesOf).flatMap(([, { Branches = [] }]) => Branches);
    const states = branch.find((each) => 'Ask for its end' in each.States)?.States ?? {};
    expect(states['Stop its PostgreSQL']?.Catch).toMatchObject([
      { ErrorEquals: ['States.Timeout'], Next: 'Ask for its end' },
      { ErrorEquals: ['States.ALL'], Next: 'Stop its instance' },
    ]);
    expect(states['Ask for its end']).toMatchObject({
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Stop its instance' }],
      Next: 'Is it fenced after all',
    });
    expect(states['Ask for its end']?.Retry).toBeUndefined();
    expect(states['Is it fenced after all']?.Default).toBe('Stop its instance');
  });

  /** Steps that are given up before their command is, each with a limit of its own in the table. */
  const givenUp: Readonly<Record<string, number>> = {
    'Stop its PostgreSQL': limits.fenceOnHostSeconds,
    'Stop following': limits.stopFollowingSeconds,
    'Lift fence': limits.liftFenceSeconds,
  };

  it('gives every command of a runbook its own time and that of its way there and back', () => {
    const commands = tasks.filter(([, state]) => state.Parameters?.Payload?.command !== undefined);
    expect(commands.length).toBeGreaterThan(10);
    for (const [name, { TimeoutSeconds: seconds, Parameters }] of commands) {
      const command = Parameters?.Payload?.command as keyof typeof nodeCommands;
      const whole = nodeCommands[command].executionTimeoutSeconds + limits.commandOverheadSeconds;
      expect(seconds, name).toBe(givenUp[name] ?? whole);
    }
  });

  it('gives every function of a runbook more than its own timeout', () => {
    for (const [name, { TimeoutSeconds: seconds, Resource }] of tasks) {
      if (Resource?.includes('waitForTaskToken') === true) continue;
      expect(seconds, name).toBe(name === 'Ask for its end' ? limits.lastQuestionSeconds : limits.functionStepSeconds);
    }
  });

  it('keeps checks for as long as they may be asked for ahead, and hides them as long', () => {
    const [queue] = all(template, 'AWS::SQS::Queue');
    expect(queue).toMatchObject({
      MessageRetentionPeriod: limits.checkRetentionSeconds,
      VisibilityTimeout: limits.checkRetentionSeconds,
    });
  });
});
