/** Operations of years: whatever becomes of the table and of clocks, a host that saw the last one takes the next. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { acquire, type LockRecord } from '../../lambdas/adapters/operation-lock.ts';
import { commonParameters, mostAheadSeconds } from '../../lambdas/contract/node-commands.ts';
import { nextEpoch } from '../../lambdas/domain/epochs.ts';

/** What happens before an acquisition. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.nat(100_000) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'at once' as const }) },
  // A stack that is destroyed and deployed again, and a table that is restored, take minutes.
  { weight: 1, arbitrary: fc.constant({ kind: 'table lost' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('table restored' as const), back: fc.nat(5) }) },
);

it('gives numbers that only ever grow, each to one operation, within what hosts accept', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        // How far the clock of the function that takes the lock is off, in seconds.
        fc.record({
          before: happening,
          clockOff: fc.integer({ min: -100, max: 100 }),
          contenders: fc.integer({ min: 1, max: 3 }),
        }),
        { maxLength: 60 },
      ),
      async (operations) => {
        let now = 1_800_000_000;
        let epoch: number | null = null;
        const backups: (number | null)[] = [];
        let newest = 0;
        for (const { before, clockOff, contenders } of operations) {
          if (before.kind === 'time') now += before.seconds;
          if (before.kind === 'table lost' || before.kind === 'table restored') {
            now += 300;
            epoch = before.kind === 'table lost' ? null : (backups.at(-1 - before.back) ?? null);
          }
          backups.push(epoch);
          let owner: string | null = null;
          const given = await Promise.all(
            Array.from({ length: contenders }, (_, index) =>
              acquire(
                {
                  read: async (): Promise<LockRecord> => ({ holder: null, epoch }),
                  take: async ({ epoch: next, lastEpoch }) => {
                    if (owner !== null || lastEpoch !== epoch) return false;
                    owner = `${index}`;
                    epoch = next;
                    return true;
                  },
                },
                async () => false,
                (last) => nextEpoch(last, new Date((now + clockOff) * 1000), ''),
              ),
            ),
          );
          const epochs = given.flatMap((outcome) => ('epoch' in outcome ? [outcome.epoch] : []));
          expect(epochs).toHaveLength(1);
          const [got = 0] = epochs;
          expect(got).toBeGreaterThan(newest);
          expect(got).toBeLessThan(now + mostAheadSeconds);
          expect(`${got}`).toMatch(new RegExp(commonParameters.Epoch.allowedPattern));
          newest = got;
        }
      },
    ),
    { numRuns: 500 },
  );
});

it('counts on where an earlier version, whose numbers were small, has left off', () => {
  expect(nextEpoch(17, new Date(1_800_000_000_000), '')).toBe(1_800_000_000);
});

it.each([1_800_000_000 + mostAheadSeconds, 10 ** 15, Number.NaN])(
  'refuses to follow %d, which hosts would refuse, and says how it is removed',
  (last) => {
    expect(() => nextEpoch(last, new Date(1_800_000_000_000), 'aws dynamodb …')).toThrow(
      expect.objectContaining({ name: 'EpochImplausible', remedy: expect.stringContaining('aws dynamodb …') }),
    );
  },
);
