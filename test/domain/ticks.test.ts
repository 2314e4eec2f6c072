import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planTicks } from '../../lambdas/domain/ticks.ts';

const at = (seconds: number) => new Date(seconds * 1000 + 400);

it('asks for three minutes of checks at first, then for what has not been asked for', () => {
  const first = planTicks(10, new Date('2026-01-01T00:00:03Z'), 0);
  expect(first.delays).toEqual([7, 17, 27, 37, 47, 57, 67, 77, 87, 97, 107, 117, 127, 137, 147, 157, 167, 177, 187]);
  expect(planTicks(10, new Date('2026-01-01T00:01:03Z'), first.askedUntil).delays).toEqual([
    137, 147, 157, 167, 177, 187,
  ]);
  expect(planTicks(60, new Date('2026-01-01T00:00:30Z'), 0).delays).toEqual([30, 90, 150]);
});

it('leaves every interval even, however late each minute’s call comes and though every other is lost, and asks for no check twice', () => {
  const lateness = fc.array(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 10 });
  const start = fc.integer({ min: 0, max: 2_000_000_000 });
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 60 }), start, lateness, (interval, from, late) => {
      let askedUntil = 0;
      const ticks: number[] = [];
      for (const [minute, seconds] of late.entries()) {
        const now = from + 2 * minute * 60 + seconds;
        const plan = planTicks(interval, at(now), askedUntil);
        ticks.push(...plan.delays.map((delay) => now + delay));
        askedUntil = plan.askedUntil;
      }
      expect(ticks[0]).toBeLessThan(from + (late[0] ?? 0) + interval);
      for (let index = 1; index < ticks.length; index += 1) {
        expect((ticks[index] ?? 0) - (ticks[index - 1] ?? 0)).toBe(interval);
      }
    }),
  );
});

it('takes delays that SQS takes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 60 }), fc.integer({ min: 0, max: 2_000_000_000 }), (interval, now) => {
      const { delays } = planTicks(interval, at(now), 0);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...delays)).toBeLessThan(900);
    }),
  );
});
