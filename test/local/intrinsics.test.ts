/** CloudFormation's intrinsic functions as CDK emits them. */
import { describe, expect, test } from 'vitest';
import { pseudoParameters, resolve, type Scope } from '../../local/assembly/intrinsics.ts';

const stack = { name: 'pg', id: 'arn:stack/pg', account: '123456789012', region: 'eu-west-1' };
const scope: Scope = {
  pseudoParameters: pseudoParameters(stack),
  parameter: (name) => (name === 'Version' ? '6' : undefined),
  ref: (id) => (id === 'Topic' ? 'arn:topic' : undefined),
  attribute: (id, name) => `${id}->${name}`,
  condition: (name) => name === 'Yes',
  mapping: (map, first, second) => `${map}/${first}/${second}`,
};

test.each<[string, unknown, unknown]>([
  ['Ref of a resource', { Ref: 'Topic' }, 'arn:topic'],
  ['Ref of a parameter', { Ref: 'Version' }, '6'],
  ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-west-1'],
  ['GetAtt as a list', { 'Fn::GetAtt': ['Fn', 'Arn'] }, 'Fn->Arn'],
  ['GetAtt as a string', { 'Fn::GetAtt': 'Fn.Arn' }, 'Fn->Arn'],
  ['Join', { 'Fn::Join': [':', ['arn', { Ref: 'AWS::Partition' }, 7]] }, 'arn:aws:7'],
  ['Sub', { 'Fn::Sub': 'a-${AWS::AccountId}-${Fn.Arn}-${!kept}-${Topic}' }, 'a-123456789012-Fn->Arn-${kept}-arn:topic'],
  ['Sub with values', { 'Fn::Sub': ['${x}${Topic}', { x: { Ref: 'Version' } }] }, '6arn:topic'],
  ['Select and Split', { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
  ['If', { 'Fn::If': ['Yes', { Ref: 'Version' }, 'no'] }, '6'],
  ['And, Or, Not, Equals', { 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Not': [{ 'Fn::Equals': ['a', 'b'] }] }] }, true],
  ['FindInMap', { 'Fn::FindInMap': ['m', { Ref: 'AWS::Region' }, 'x'] }, 'm/eu-west-1/x'],
  ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
  ['NoValue in a list', [{ 'Fn::If': ['No', 'x', { Ref: 'AWS::NoValue' }] }, 2], [2]],
  [
    'an object with one ordinary key',
    { Condition: { Bool: { 'aws:SecureTransport': false } } },
    { Condition: { Bool: { 'aws:SecureTransport': false } } },
  ],
])('%s', (_what, value, expected) => {
  expect(resolve(value, scope)).toEqual(expected);
});

describe('refuses', () => {
  test.each<[string, unknown, RegExp]>([
    ['a dangling Ref', { Ref: 'Nothing' }, /Ref Nothing: no such resource/],
    ['ImportValue', { 'Fn::ImportValue': 'x' }, /Fn::ImportValue is not supported/],
    ['GetAZs', { 'Fn::GetAZs': '' }, /Fn::GetAZs is not supported/],
    ['a Join of objects', { 'Fn::Join': ['', [{ a: 1, b: 2 }]] }, /Fn::Join needs a string/],
    ['Select beyond the end', { 'Fn::Select': [3, ['a']] }, /no element 3 in a list of 1/],
  ])('%s', (_what, value, words) => {
    expect(() => resolve(value, scope)).toThrow(words);
  });
});
