import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseSynchronousStandbyNames,
  renderSynchronousStandbyNames,
} from '../../lambdas/domain/synchronous-standby-names.ts';

describe('values as PostgreSQL reads them', () => {
  const rule = (method: 'FIRST' | 'ANY', count: number, ...names: string[]) => ({ method, count, names });
  it.each([
    ['', null],
    ['  ', null],
    ['*', rule('FIRST', 1, '*')],
    ['a', rule('FIRST', 1, 'a')],
    ['pg_sync_slave01,pg_sync_slave02', rule('FIRST', 1, 'pg_sync_slave01', 'pg_sync_slave02')],
    ['2 (a, b)', rule('FIRST', 2, 'a', 'b')],
    ['FIRST 1 (a)', rule('FIRST', 1, 'a')],
    ['first 3 (s1, s2, s3)', rule('FIRST', 3, 's1', 's2', 's3')],
    ['ANY 2 ("node-1","Node.2", *)', rule('ANY', 2, 'node-1', 'Node.2', '*')],
    ['"a""b"', rule('FIRST', 1, 'a"b')],
    ['first, any', rule('FIRST', 1, 'first', 'any')],
    ['"FIRST", "ANY"', rule('FIRST', 1, 'FIRST', 'ANY')],
    ['1', rule('FIRST', 1, '1')],
  ])('%s', (value, expected) => {
    expect(parseSynchronousStandbyNames(value)).toEqual(expected);
  });

  it.each(['a,', ',a', 'a b', 'FIRST 1 a', 'FIRST 1 (a', 'ANY 2 ()', 'ANY 0 (a)', 'node-1', '(a)', '"a', 'a;b'])(
    'malformed: %s',
    (value) => {
      expect(() => parseSynchronousStandbyNames(value)).toThrow(SyntaxError);
    },
  );
});

it('reads back every rule that it renders', () => {
  const names = fc.array(fc.string({ minLength: 1, maxLength: 63 }), { minLength: 1, maxLength: 8 });
  const rules = fc.record({
    method: fc.constantFrom('FIRST' as const, 'ANY' as const),
    count: fc.integer({ min: 1, max: 99 }),
    names,
  });
  fc.assert(
    fc.property(rules, (rule) => {
      expect(parseSynchronousStandbyNames(renderSynchronousStandbyNames(rule))).toEqual(rule);
    }),
  );
});
