/** SSM documents: their parameters, their substitution, and what the runtime's agent refuses. */
import { describe, expect, test } from 'vitest';
import {
  agentRefusal,
  checkParameters,
  executionTimeoutSeconds,
  parseDocument,
  substitute,
} from '../../local/commands/documents.ts';

const facts = { name: 'doc', arn: 'arn', region: 'us-east-1', account: '000000000000' };
const step = (more: object = {}, inputs: object = {}) => ({
  action: 'aws:runShellScript',
  name: 'runScript',
  inputs: { runCommand: ['echo {{ Node }}'], ...inputs },
  ...more,
});
const content = (more: object = {}) => ({
  schemaVersion: '2.2',
  parameters: {
    Node: { type: 'String', allowedPattern: '^[a-z0-9]+$' },
    Mode: { type: 'String', default: 'fast', allowedValues: ['fast', 'slow'] },
    Seconds: { type: 'String', default: '60', maxChars: 6 },
  },
  mainSteps: [step({}, { timeoutSeconds: '{{ Seconds }}' })],
  ...more,
});
const document = parseDocument(facts, content());

test('defaults are filled in', () => {
  expect(checkParameters(document, { Node: ['n1'] })).toEqual({ Node: 'n1', Mode: 'fast', Seconds: '60' });
});

test.each<[string, Record<string, string[]>, RegExp]>([
  ['missing', {}, /Missing required parameter: Node/],
  ['unknown', { Node: ['n'], Nod: ['n'] }, /not defined in the document: Nod/],
  ['outside the pattern', { Node: ['N'] }, /"Node" value "N" does not match the allowed pattern/],
  ['with a line end behind the pattern', { Node: ['n\n'] }, /does not match/],
  ['not among the values', { Node: ['n'], Mode: ['x'] }, /not one of fast, slow/],
  ['too long', { Node: ['n'], Seconds: ['1234567'] }, /7 characters/],
  ['empty', { Node: ['n'], Seconds: [''] }, /"Seconds" is empty/],
  ['two values', { Node: ['a', 'b'] }, /exactly one value/],
])('a parameter that is %s is refused', (_what, given, words) => {
  expect(() => checkParameters(document, given)).toThrow(words);
});

describe('patterns are RE2’s, as in the agent', () => {
  const withPattern = (allowedPattern: string) =>
    parseDocument(facts, content({ parameters: { Node: { type: 'String', allowedPattern } }, mainSteps: [step()] }));

  test.each([
    ['repeats over a thousand', '^[a-z]{8,2048}$', 'invalid repeat count: `{8,2048}`'],
    ['look-ahead', '^(?=n)n$', 'invalid or unsupported Perl syntax'],
    ['a back-reference', '^(n)\\1$', 'invalid escape sequence'],
  ])('SSM takes a command whose pattern has %s, and the agent does not', (_what, pattern, reason) => {
    const document = withPattern(pattern);
    expect(checkParameters(document, { Node: ['nnnnnnnn'] })).toEqual({ Node: 'nnnnnnnn' });
    expect(agentRefusal(document, { Node: 'nnnnnnnn' })).toContain(
      "error thrown in 'AllowedRegexParamValidator' while validating parameter /Node/: encountered error while compiling",
    );
    expect(agentRefusal(document, { Node: 'nnnnnnnn' })).toContain(reason);
  });

  test.each([
    ['\\s is ASCII’s', '^\\s$', '\u00a0', false],
    ['a dot is any character but a line feed', '^.$', '\u2028', true],
    ['a character is a code point', '^.$', '😀', true],
    ['a dollar is the end and nothing before it', '^n$', 'n\n', false],
    ['a match may be anywhere', 'n', 'anb', true],
  ])('%s', (_what, pattern, value, matches) => {
    const document = withPattern(pattern);
    expect(agentRefusal(document, { Node: value }) === undefined).toBe(matches);
    const check = () => checkParameters(document, { Node: [value] });
    if (matches) expect(check()).toEqual({ Node: value });
    else expect(check).toThrow('does not match the allowed pattern');
  });

  test('a parameter’s name has letters and digits only', () => {
    expect(() => parseDocument(facts, content({ parameters: { 'a.b': { type: 'String' } } }))).toThrow(
      'the agent passes over a parameter named a.b',
    );
  });
});

test('two dollars of a value become one', () => {
  expect(substitute('{{ Node }}', { Node: 'a$$b$c' })).toBe('a$b$c');
});

test('parameters are substituted textually, with or without spaces, once', () => {
  expect(substitute('{{Node}} {{ Node }} {{  Node  }} { { Node } }', { Node: '{{ Node }}' })).toBe(
    '{{ Node }} {{ Node }} {{ Node }} { { Node } }',
  );
});

test.each([
  ['60', 60],
  ['5', 5],
  ['4', 3600],
  ['172800', 172_800],
  ['172801', 3600],
  ['x', 3600],
])('a timeout of %s means %i s', (Seconds, expected) => {
  expect(executionTimeoutSeconds(document, { Seconds })).toBe(expected);
});

describe('a document is refused with', () => {
  test.each<[string, object, RegExp]>([
    ['another schema version', { schemaVersion: '0.3' }, /schemaVersion 0\.3/],
    ['two steps', { mainSteps: [step(), step()] }, /anything but one step/],
    ['another action', { mainSteps: [step({ action: 'aws:runPowerShellScript' })] }, /action aws:runPowerShellScript/],
    ['a working directory', { mainSteps: [step({}, { workingDirectory: '/tmp' })] }, /input workingDirectory/],
    [
      'another platform',
      { mainSteps: [step({ precondition: { StringEquals: ['platformType', 'Windows'] } })] },
      /precondition/,
    ],
    [
      'an unknown placeholder',
      { mainSteps: [step({}, { runCommand: ['{{ ssm:name }}'] })] },
      /\{\{ssm:name\}\}, which is not one of its parameters/,
    ],
    [
      'a script that is no list of lines',
      { mainSteps: [step({}, { runCommand: 'true' })] },
      /anything but a list of lines/,
    ],
    ['a list parameter', { parameters: { Node: { type: 'StringList' } } }, /type StringList/],
    [
      'an interpolation type',
      { parameters: { Node: { type: 'String', interpolationType: 'ENV_VAR' } } },
      /interpolationType/,
    ],
  ])('%s', (_what, more, words) => {
    expect(() => parseDocument(facts, content(more))).toThrow(words);
  });
});
