/** EventBridge patterns: what matches, and what is refused when a rule is loaded. */
import { describe, expect, test } from 'vitest';
import { checkPattern, matches, type Pattern } from '../../local/events/pattern.ts';
import { ratePeriodSeconds } from '../../local/events/schedules.ts';

const event = {
  source: 'aws.ssm',
  detail: { status: 'Failed', 'document-name': 'pg-sync-preflight', tags: ['a', 'b'], count: 3, nothing: null },
};

test.each<[string, Pattern, boolean]>([
  ['an exact value', { source: ['aws.ssm'] }, true],
  ['one of several values', { detail: { status: ['Success', 'Failed'] } }, true],
  ['another value', { source: ['aws.ec2'] }, false],
  ['all fields must match', { source: ['aws.ssm'], detail: { status: ['Success'] } }, false],
  ['a prefix', { detail: { 'document-name': [{ prefix: 'pg-sync-' }] } }, true],
  ['another prefix', { detail: { 'document-name': [{ prefix: 'pg-async-' }] } }, false],
  ['anything but', { detail: { status: [{ 'anything-but': ['InProgress', 'Pending'] }] } }, true],
  ['anything but this', { detail: { status: [{ 'anything-but': 'Failed' }] } }, false],
  ['anything but a prefix', { detail: { status: [{ 'anything-but': { prefix: 'Fail' } }] } }, false],
  ['anything but needs a value', { detail: { missing: [{ 'anything-but': 'x' }] } }, false],
  ['exists', { detail: { count: [{ exists: true }], missing: [{ exists: false }] } }, true],
  ['an element of a list', { detail: { tags: ['b'] } }, true],
  ['a number', { detail: { count: [3] } }, true],
  ['a number is not its text', { detail: { count: ['3'] } }, false],
  ['null', { detail: { nothing: [null] } }, true],
  ['below a value that is no object', { source: { deeper: ['x'] } }, false],
])('%s', (_what, pattern, expected) => {
  expect(matches(checkPattern(pattern), event)).toBe(expected);
});

describe('refuses', () => {
  test.each<[string, unknown, RegExp]>([
    ['numeric', { detail: { count: [{ numeric: ['>', 1] }] } }, /detail\.count.*numeric.*not supported/],
    ['suffix', { source: [{ suffix: '.ssm' }] }, /suffix/],
    ['wildcard', { source: [{ wildcard: 'aws.*' }] }, /wildcard/],
    ['$or', { $or: [{ source: ['x'] }] }, /\$or is not supported/],
    ['a bare value', { source: 'aws.ssm' }, /source must be an object/],
    ['nothing', undefined, /must be an object/],
  ])('%s', (_what, pattern, words) => {
    expect(() => checkPattern(pattern)).toThrow(words);
  });
});

test('rates become seconds, other schedules are refused', () => {
  expect(['rate(1 minute)', 'rate(5 minutes)', 'rate(1 hour)', 'rate(2 days)'].map(ratePeriodSeconds)).toEqual([
    60, 300, 3600, 172_800,
  ]);
  for (const schedule of ['cron(0 * * * ? *)', 'rate(0 minutes)', 'at(2026-11-22T00:00:00)']) {
    expect(() => ratePeriodSeconds(schedule)).toThrow('not supported');
  }
});
