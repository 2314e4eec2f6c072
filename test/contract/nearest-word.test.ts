import { expect, it } from 'vitest';
import { nearestWord } from '../../lambdas/contract/nearest-word.ts';

it.each([
  ['sychronousStandbyNames', ['synchronousStandbyNames', 'count'], 'synchronousStandbyNames'],
  ['commit_level', ['commitLevel', 'count'], 'commitLevel'],
  ['Port', ['port', 'osUser'], 'port'],
  ['colour', ['count', 'port'], undefined],
  ['x', [], undefined],
])('%s among %j is meant as %s', (word, candidates, meant) => {
  expect(nearestWord(word, candidates)).toBe(meant);
});
