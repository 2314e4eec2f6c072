/** State machine definitions: what the library would do wrong is refused or rewritten. */
import { describe, expect, test } from 'vitest';
import { prepareDefinition } from '../../local/executions/definition.ts';

const machine = (states: object) => JSON.stringify({ StartAt: Object.keys(states)[0], States: states });
const prepared = (states: object) =>
  (prepareDefinition('m', machine(states)).definition.States ?? {}) as Record<string, Record<string, unknown>>;
const task = (more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'f' },
  TimeoutSeconds: 5,
  End: true,
  ...more,
});
const map = (more: object, inner: object = { Inner: { Type: 'Pass', End: true } }) => ({
  Type: 'Map',
  ItemProcessor: { StartAt: Object.keys(inner)[0], States: inner },
  End: true,
  ...more,
});

describe('refuses', () => {
  test.each<[string, object, RegExp]>([
    ['JSONata', { A: { ...task(), QueryLanguage: 'JSONata' } }, /A: JSONata/],
    ['variables', { A: task({ Assign: { x: 1 } }) }, /A: Assign: variables/],
    ['heartbeats', { A: task({ HeartbeatSeconds: 5 }) }, /A: HeartbeatSeconds/],
    ['tolerated failures', { A: map({ ToleratedFailureCount: 1 }) }, /A: ToleratedFailureCount/],
    [
      'distributed maps',
      { A: map({ ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'I', States: {} } }) },
      /A: Map mode DISTRIBUTED/,
    ],
    ['a Task without a timeout', { A: { ...task(), TimeoutSeconds: undefined } }, /A: a Task needs TimeoutSeconds/],
    ['TimeoutSecondsPath', { A: task({ TimeoutSecondsPath: '$.x' }) }, /A: TimeoutSecondsPath/],
    [
      'an unknown resource',
      { A: task({ Resource: 'arn:aws:states:::sqs:sendMessage' }) },
      /A: resource .*sqs:sendMessage is not supported/,
    ],
    [
      'SDK integrations',
      { A: task({ Resource: 'arn:aws:states:::aws-sdk:ssm:sendCommand' }) },
      /aws-sdk:ssm:sendCommand is not supported/,
    ],
    [
      '.sync',
      { A: task({ Resource: 'arn:aws:states:::states:startExecution.sync' }) },
      /startExecution\.sync is not supported/,
    ],
    [
      'one name twice',
      { A: map({}, { B: { Type: 'Pass', End: true } }), B: { Type: 'Pass', End: true } },
      /B: another state has the same name/,
    ],
    ['a false Result', { A: { Type: 'Pass', Result: false, End: true } }, /A: Result/],
    ['JsonToString', { A: task({ Parameters: { 'x.$': 'States.JsonToString($.y)' } }) }, /States\.JsonToString/],
    [
      'a token outside a waiting task',
      { A: task({ Parameters: { 'x.$': '$$.Task.Token' } }) },
      /\$\$\.Task\.Token exists only/,
    ],
    [
      'a Map item outside its selector',
      { A: task({ Parameters: { 'x.$': '$$.Map.Item.Value' } }) },
      /\$\$\.Map\.Item\.Value is supported only/,
    ],
    [
      'an entry time',
      { A: task({ Parameters: { 'x.$': '$$.State.EnteredTime' } }) },
      /\$\$\.State\.EnteredTime is not supported/,
    ],
  ])('%s', (_what, states, words) => {
    expect(() => prepareDefinition('m', machine(states))).toThrow(words);
  });

  test('everything at once', () => {
    const states = { A: task({ HeartbeatSeconds: 5 }), B: task({ Assign: {} }) };
    expect(() => prepareDefinition('m', machine(states))).toThrow(/A: Heartbeat.*B: Assign/s);
  });
});

describe('rewrites', () => {
  test('Is…: false as Not', () => {
    const rule = { Variable: '$.x', IsPresent: false, Next: 'B' };
    const inner = {
      And: [
        { Variable: '$.y', IsNull: false },
        { Variable: '$.y', IsString: true },
      ],
      Next: 'B',
    };
    expect(prepared({ A: { Type: 'Choice', Choices: [rule, inner] } }).A?.Choices).toEqual([
      { Not: { Variable: '$.x', IsPresent: true }, Next: 'B' },
      { And: [{ Not: { Variable: '$.y', IsNull: true } }, { Variable: '$.y', IsString: true }], Next: 'B' },
    ]);
  });

  test('$$.Execution, which the library replaces inside Map and Parallel', () => {
    const parameters = {
      'a.$': '$$.Execution.Input.x',
      'b.$': "States.Format('{}', $$.Execution.Name)",
      c: '$$.Execution.Id',
    };
    expect(prepared({ A: task({ Parameters: parameters }) }).A?.Parameters).toEqual({
      'a.$': '$$.Run.Input.x',
      'b.$': "States.Format('{}', $$.Run.Name)",
      c: '$$.Execution.Id',
    });
  });

  test('$$.State.Name, which the library does not know', () => {
    expect(prepared({ A: task({ Parameters: { 'a.$': '$$.State.Name' } }) }).A?.Parameters).toEqual({ a: 'A' });
  });

  test('ResultPath $, and timeouts longer than a timer', () => {
    const states = prepared({
      A: task({
        ResultPath: '$',
        TimeoutSeconds: 31_536_000,
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$', Next: 'B' }],
      }),
    });
    expect(states.A).not.toHaveProperty('ResultPath');
    expect(states.A).toMatchObject({ TimeoutSeconds: 2_147_483, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] });
  });
});

test('states know what is around them', () => {
  const { states } = prepareDefinition(
    'm',
    machine({
      A: map(
        {},
        {
          B: { Type: 'Parallel', Branches: [{ StartAt: 'C', States: { C: { Type: 'Pass', End: true } } }], End: true },
        },
      ),
    }),
  );
  expect(states.get('C')?.ancestors).toEqual([
    { name: 'A', type: 'Map', branch: 0 },
    { name: 'B', type: 'Parallel', branch: 0 },
  ]);
});
