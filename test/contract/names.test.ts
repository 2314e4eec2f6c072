import { expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';

it('fit into what AWS allows, for the longest name of a cluster', () => {
  const names = resourceNames('c'.repeat(30));
  expect(names.function('sweep-node-commands').length).toBeLessThanOrEqual(64);
  expect(names.runbook('setup').length).toBeLessThanOrEqual(80);
  for (const command of nodeCommandNames) expect(names.document(command).length).toBeLessThanOrEqual(128);
});
