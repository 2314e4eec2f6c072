import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tickDelays } from '../../lambdas/domain/ticks.ts';

it('spreads the checks of a minute', () => {
  expect(tickDelays(10, new Date('2026-01-01T00:00:00Z'))).toEqual([0, 10, 20, 30, 40, 50]);
  expect(tickDelays(60, new Date('2026-01-01T00:00:30Z'))).toEqual([30]);
});

it('leaves every interval even, from minute to minute', () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 60 }), fc.integer({ min: 0, max: 2_000_000_000 }), (interval, start) => {
      const at = [0, 60, 120].flatMap((minute) => {
        const now = start + minute;
        return tickDelays(interval, new Date(now * 1000)).map((delay) => now + delay);
      });
      for (let index = 1; index < at.length; index += 1) expect((at[index] ?? 0) - (at[index - 1] ?? 0)).toBe(interval);
    }),
  );
});
