import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { handlerNames } from '../../infra/handler-names.ts';
import { keptBundles } from '../../infra/kept-bundles.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const project = join(import.meta.dirname, '../..');
const directory = temporaryDirectory();
const file = join(directory, 'cache', 'bundles.json');
/** A source of every bundle here. */
const source = join(directory, 'source');
let made = 0;
let meanwhile = () => {};
const bundles = () =>
  keptBundles(file, () => {
    made += 1;
    meanwhile();
    return {
      bundles: new Map(handlerNames.map((name) => [name, `${name} as made for the ${made}. time`])),
      inputs: ['lambdas/domain/lsn.ts', relative(project, source), '(disabled):crypto'],
    };
  }).get('plan-setup');
const write = (content: string) => {
  writeFileSync(source, content);
  utimesSync(source, 1, 1);
};

beforeEach(() => {
  rmSync(file, { force: true });
  made = 0;
  meanwhile = () => {};
  write('one');
});

it('are those of the last time while nothing has changed', () => {
  expect([bundles(), bundles(), made]).toEqual([...Array(2).fill('plan-setup as made for the 1. time'), 1]);
  expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).source)).toEqual([...handlerNames]);
});

it.each([
  ['changed', () => write('two')],
  ['gone', () => rmSync(source)],
])('are made anew when a source is %s', (_, change) => {
  bundles();
  change();
  expect(bundles()).toBe('plan-setup as made for the 2. time');
});

it('are made anew when a source was saved while they were made: nobody knows what is in them', () => {
  meanwhile = () => writeFileSync(source, 'two');
  bundles();
  expect(bundles()).toBe('plan-setup as made for the 2. time');
});

it.each(['{"files":', '{}', '{"files":{},"source":{}}'])('are made anew when what was kept is %s', (content) => {
  bundles();
  writeFileSync(file, content);
  expect(bundles()).toBe('plan-setup as made for the 2. time');
});
