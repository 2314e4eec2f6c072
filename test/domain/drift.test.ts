import { describe, expect, it } from 'vitest';
import type { Setting } from '../../lambdas/contract/postgres-settings.ts';
import { observedSettings } from '../../lambdas/domain/drift.ts';
import { expectedRule, sameRule } from '../../lambdas/domain/expected-rule.ts';
import { satisfies, shown } from '../../lambdas/domain/setting-values.ts';
import { parseSynchronousStandbyNames } from '../../lambdas/domain/synchronous-standby-names.ts';
import { exampleCluster } from '../support/example-cluster.ts';

describe('values mean the same', () => {
  // rule, expected, found, its unit, may it stay
  const cases: [Setting['rule'], string, string, string | null, boolean][] = [
    ['equal', '8s', '8000', 'ms', true],
    ['equal', '8s', '8', 's', true],
    ['equal', '8s', '8', 'ms', false],
    ['equal', '1min', '60', 's', true],
    ['equal', '8192MB', '8192', 'MB', true],
    ['equal', '8192MB', '1048576', '8kB', true],
    ['equal', '8GB', '8192', 'MB', true],
    ['equal', '16384MB', '-1', 'MB', false],
    ['equal', '512', '512', null, true],
    ['equal', '512', '64', null, false],
    ['equal', 'on', 'on', null, true],
    ['equal', 'on', 'TRUE', null, true],
    ['equal', 'on', '1', null, true],
    ['equal', 'on', 'off', null, false],
    ['equal', 'off', '0', null, true],
    ['equal', 'scram-sha-256', 'scram-sha-256', null, true],
    ['equal', 'scram-sha-256', 'md5', null, false],
    ['equal', 'remote_apply', 'on', null, false],
    ['at-least', '5', '5', null, true],
    ['at-least', '5', '50', null, true],
    ['at-least', '5', '4', null, false],
    ['at-least', '5', 'many', null, false],
    ['one-of', 'replica', 'logical', null, true],
    ['one-of', 'replica', 'minimal', null, false],
  ];
  it.each(cases)('%s %s: %s %s → %s', (rule, value, setting, unit, expected) => {
    const wanted: Setting = {
      name: 'any',
      value,
      rule,
      ...(rule === 'one-of' ? { accepted: ['replica', 'logical'] } : {}),
    };
    expect(satisfies(wanted, { setting, unit })).toBe(expected);
  });
});

it.each([
  ['8000', 'ms', '8000ms'],
  ['1024', '8kB', '1024 × 8kB'],
  ['on', null, 'on'],
  ['', null, "''"],
])('shows %s %s as %s', (setting, unit, text) => {
  expect(shown({ setting, unit })).toBe(text);
});

describe('rules ask the same', () => {
  it.each([
    ['FIRST 1 (a, b)', 'a,b', true],
    ['FIRST 1 (a, b)', '1 ("A", B)', true],
    ['FIRST 1 (a, b)', 'b,a', false],
    ['FIRST 1 (a, b)', 'ANY 1 (a, b)', false],
    ['ANY 1 (a, b)', 'ANY 1 (b, a)', true],
    ['FIRST 2 (a, b)', 'ANY 2 (b, a)', true],
    ['FIRST 1 (a, b)', 'FIRST 2 (a, b)', false],
    ['FIRST 1 (a, b)', 'FIRST 1 (a)', false],
    ['FIRST 1 (a, b)', '*', false],
  ])('%s and %s: %s', (one, other, expected) => {
    const [a, b] = [parseSynchronousStandbyNames(one), parseSynchronousStandbyNames(other)];
    if (a === null || b === null) throw new Error('no rule');
    expect(sameRule(a, b)).toBe(expected);
    expect(sameRule(b, a)).toBe(expected);
  });
});

it('expects the rule of whoever is the primary', () => {
  const cluster = exampleCluster();
  expect(expectedRule(cluster, 'pg_sync_slave01').names).toEqual(['pg_sync_master', 'pg_sync_slave02']);
  expect(observedSettings(cluster)).toContain('synchronous_standby_names');
});
