/** Limits that a busy machine stretches. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterFairTime } from '../../local/functions/fair-limit.ts';

let slowness = 1;
let over = false;
const start = () =>
  afterFairTime(
    30_000,
    () => {
      over = true;
    },
    () => slowness,
  );

beforeEach(() => {
  vi.useFakeTimers();
  over = false;
  slowness = 1;
});
afterEach(() => vi.useRealTimers());

test('a limit is over in time on an idle machine', () => {
  start();
  vi.advanceTimersByTime(29_999);
  expect(over).toBe(false);
  vi.advanceTimersByTime(1);
  expect(over).toBe(true);
});

test('one that has ten times as much to do gives ten times as long', () => {
  slowness = 10;
  start();
  vi.advanceTimersByTime(299_000);
  expect(over).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect(over).toBe(true);
});

test('and no longer than it has so much to do', () => {
  slowness = 100;
  start();
  vi.advanceTimersByTime(60_000);
  expect(over).toBe(false);
  slowness = 1.5;
  vi.advanceTimersByTime(30_000);
  expect(over).toBe(true);
});

test('a limit that is called off is never over', () => {
  const callOff = start();
  slowness = 2;
  vi.advanceTimersByTime(31_000);
  callOff();
  vi.advanceTimersByTime(600_000);
  expect(over).toBe(false);
});
