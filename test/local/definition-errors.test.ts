/** Definitions are validated together: what is found must be what is found of each one alone. */
import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { definitionErrors, validTogether } from '../../local/executions/definition-errors.ts';

const pass = { Type: 'Pass', End: true };
const task = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', TimeoutSeconds: 60 };
const definition = (states: object, more: object = {}) =>
  JSON.stringify({ StartAt: Object.keys(states)[0], States: states, ...more });
/** Has a transition of every kind, and the names of the states of the others. */
const valid = definition({
  Work: { ...task, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Choose' }], Next: 'Choose' },
  Choose: {
    Type: 'Choice',
    Choices: [{ And: [{ Variable: '$.a', IsPresent: true }], Next: 'Both' }],
    Default: 'Each',
  },
  Both: { Type: 'Parallel', Branches: [JSON.parse(definition({ Inner: pass }))], Next: 'Each' },
  Each: { Type: 'Map', ItemProcessor: JSON.parse(definition({ Item: pass })), Next: 'Lost' },
  Lost: { ...pass, Result: { Next: 'Work' } },
});
const alone = (text: string) =>
  aslValidator(JSON.parse(text)).errors.map((error) => `${error['Error code']}: ${error.Message}`);

describe('definitions together', () => {
  it('are valid when each one is, although they have states of the same names', () => {
    expect(alone(valid)).toEqual([]);
    expect(validTogether([valid, valid, definition({ Work: pass }, { TimeoutSeconds: 5, Comment: 'x' })])).toBe(true);
  });

  it.each<[string, object, object?]>([
    ['a state that nothing leads to, although a state of its name is reached elsewhere', { Work: pass, Lost: pass }],
    ['a target that is there in another one only', { Work: { Type: 'Pass', Next: 'Lost' }, End: pass }],
    ['a misspelt field', { Work: { ...pass, Outputpath: '$' } }],
    ['a name that is too long', { ['x'.repeat(81)]: pass }],
    ['a member of a definition that does not exist', { Work: pass }, { Timeout: 5 }],
    ['a time limit that is no number', { Work: pass }, { TimeoutSeconds: '5' }],
    ['a language that is not that of its states', { Work: { ...pass, OutputPath: '$' } }, { QueryLanguage: 'JSONata' }],
  ])('are not valid with %s', (_, states, more = {}) => {
    const wrong = definition(states, more);
    expect(alone(wrong)).not.toEqual([]);
    expect(validTogether([valid, wrong])).toBe(false);
  });

  it('have errors only where they have them alone', () => {
    const wrong = definition({ Work: pass, Lost: pass });
    const longest = definition({ ['x'.repeat(80)]: pass });
    expect(definitionErrors([valid, wrong, longest])).toEqual([[], alone(wrong), []]);
  });
});
