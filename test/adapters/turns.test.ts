import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from '../../lambdas/adapters/turns.ts';

it('lets no more than so many run at once, in the order in which they came, also when some fail', async () => {
  const turns = new Turns(3);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const work = (index: number) =>
    turns.run(async () => {
      begun.push(index);
      running += 1;
      most = Math.max(most, running);
      await pause(index % 4);
      running -= 1;
      if (index % 5 === 0) throw new Error(`${index}`);
      return index;
    });
  const ended = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => work(index)));
  expect(most).toBe(3);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(ended.map((each) => (each.status === 'fulfilled' ? each.value : 'failed'))).toEqual(
    begun.map((index) => (index % 5 === 0 ? 'failed' : index)),
  );
  expect(await turns.run(async () => 'free again')).toBe('free again');
});
