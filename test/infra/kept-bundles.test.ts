import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FunctionBundles } from '../../infra/bundle-functions.ts';
import { keptBundles } from '../../infra/kept-bundles.ts';
import { temporaryDirectory } from './synthesize.ts';

type Kept = { files: Record<string, string>; source: Record<string, string> };

describe.sequential('bundles of the last synthesis', () => {
  const file = join(temporaryDirectory(), 'cache', 'bundles.json');
  const read = () => JSON.parse(readFileSync(file, 'utf8')) as Kept;
  /** Marks what is kept: bundles that were not made anew have the mark. */
  const change = (edit: (kept: Kept) => void) => {
    const kept = read();
    kept.source['plan-setup'] = 'kept';
    edit(kept);
    writeFileSync(file, JSON.stringify(kept));
  };
  let first: FunctionBundles;

  beforeAll(() => {
    first = keptBundles(file);
  }, 60_000);

  it('are kept, with every file that they are made of', () => {
    expect(existsSync(file)).toBe(true);
    expect(Object.keys(read().files)).toEqual(
      expect.arrayContaining([
        'lambdas/domain/setup-plan.ts',
        'node_modules/pg/lib/client.js',
        'infra/bundle-functions.ts',
      ]),
    );
  });

  it('are taken while nothing has changed', () => {
    change(() => {});
    expect(keptBundles(file).get('plan-setup')).toBe('kept');
    expect(keptBundles(file).get('release-lock')).toBe(first.get('release-lock'));
  });

  it.each([
    [
      'a source is another',
      (kept: Kept) => {
        kept.files['lambdas/domain/lsn.ts'] = 'another';
      },
    ],
    [
      'a source is gone',
      (kept: Kept) => {
        kept.files['lambdas/domain/gone.ts'] = 'another';
      },
    ],
  ])('are made anew when %s', (_, edit) => {
    change(edit);
    expect([...keptBundles(file)]).toEqual([...first]);
    expect(read().source['plan-setup']).toBe(first.get('plan-setup'));
  });

  it('are made anew when what was kept cannot be read', () => {
    writeFileSync(file, '{"files":');
    expect([...keptBundles(file)]).toEqual([...first]);
  });
});
