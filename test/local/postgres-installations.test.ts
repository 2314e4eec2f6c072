import { describe, expect, it } from 'vitest';
import { choosePostgres } from '../../local/postgres-installations.ts';
import { candidates, majorVersionIn, onePerVersion } from '../../local/prerequisites/find-postgres.mjs';

it.each([
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', 15],
  ['postgres (PostgreSQL) 18beta1', 18],
  ['postgres: command not found', undefined],
])('majorVersionIn(%j) is %s', (output, version) => {
  expect(majorVersionIn(output)).toBe(version);
});

it('candidates are the packages’ directories, then the usual one, then the search path', () => {
  const names: Record<string, string[]> = {
    '/usr/lib/postgresql': ['13', '15', 'common'],
    '/usr': ['bin', 'pgsql-12'],
  };
  expect(candidates((directory) => names[directory] ?? [], '/usr/bin:relative:/opt/pg/bin')).toEqual([
    { binDirectory: '/usr/lib/postgresql/13/bin', majorVersion: 13 },
    { binDirectory: '/usr/lib/postgresql/15/bin', majorVersion: 15 },
    { binDirectory: '/usr/pgsql-12/bin', majorVersion: 12 },
    { binDirectory: '/usr/local/pgsql/bin' },
    { binDirectory: '/usr/bin' },
    { binDirectory: '/opt/pg/bin' },
  ]);
});

it('onePerVersion keeps the first of a version and puts the newest first', () => {
  const found = [
    { majorVersion: 12, binDirectory: '/a' },
    { majorVersion: 15, binDirectory: '/b' },
    { majorVersion: 15, binDirectory: '/c' },
  ];
  expect(onePerVersion(found).map(({ binDirectory }) => binDirectory)).toEqual(['/b', '/a']);
});

describe('choosePostgres', () => {
  const installed = [
    { majorVersion: 15, binDirectory: '/installed/15' },
    { majorVersion: 13, binDirectory: '/installed/13' },
  ];

  it.each([
    ['what was given for the version', 15, [[15, '/given/15']], '/given/15'],
    ['what is installed of the version', 13, [[12, '/given/12']], '/installed/13'],
    ['the newest for a version that is not there', 18, [[12, '/given/12']], '/installed/15'],
    ['the newest for a version that is not there, if it was given', 17, [[18, '/given/18']], '/given/18'],
  ] as [string, number, [number, string][], string][])('takes %s', (_, wanted, given, binDirectory) => {
    expect(choosePostgres(wanted, new Map(given), installed).binDirectory).toBe(binDirectory);
  });

  it('leaves out versions that clusters.json does not know', () => {
    const newer = { majorVersion: 19, binDirectory: '/installed/19' };
    expect(choosePostgres(18, new Map(), [newer, ...installed]).majorVersion).toBe(15);
  });

  it('says what to install when there is none', () => {
    expect(() => choosePostgres(15, new Map(), [])).toThrow('no PostgreSQL server of version 12 to 18');
  });
});
