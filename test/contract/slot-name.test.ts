import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeNamePattern } from '../../lambdas/contract/cluster-config.ts';
import { slotName } from '../../lambdas/contract/slot-name.ts';

describe('slotName', () => {
  it.each([
    ['pg_sync_slave01', 'pg_sync_slave01'],
    ['Node.A-1', 'node_a_1'],
    ['FIRST', 'first'],
  ])('%s → %s', (name, slot) => {
    expect(slotName(name)).toBe(slot);
  });

  const nodeName = fc.stringMatching(new RegExp(`^${nodeNamePattern}$`));

  it('is a name that PostgreSQL takes, for every node name', () => {
    fc.assert(fc.property(nodeName, (name) => /^[a-z0-9_]{1,63}$/.test(slotName(name))));
  });

  it('is the same for names that PostgreSQL does not distinguish, and its own slot', () => {
    fc.assert(
      fc.property(nodeName, (name) => {
        expect(slotName(name.toUpperCase())).toBe(slotName(name));
        expect(slotName(slotName(name))).toBe(slotName(name));
      }),
    );
  });
});
