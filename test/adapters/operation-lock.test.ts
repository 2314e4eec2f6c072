import { describe, expect, it } from 'vitest';
import { type Attempt, acquire } from '../../lambdas/adapters/operation-lock.ts';

const held = (owner: string) => ({ owner, runbook: 'setup' as const, since: '2020-01-06T07:20:00.000Z' });

/** A lock that somebody else may take just before it is taken. */
class ContestedLock {
  owner: string | null;
  readonly #cutIn: string[];

  constructor(owner: string | null, ...cutIn: string[]) {
    this.owner = owner;
    this.#cutIn = cutIn;
  }

  async read() {
    return { holder: this.owner === null ? null : held(this.owner), epoch: 6 };
  }

  async take({ deadOwner }: Attempt) {
    this.owner = this.#cutIn.shift() ?? this.owner;
    if (this.owner !== null && this.owner !== deadOwner) return false;
    this.owner = 'me';
    return true;
  }
}

const seven = () => 7;

const running = async (execution: string) => execution.startsWith('running');

describe('the lock', () => {
  it.each([
    ['is free', null],
    ['is held by an execution that was stopped', 'stopped'],
  ])('is taken when it %s', async (_, owner) => {
    expect(await acquire(new ContestedLock(owner), running, seven)).toEqual({ epoch: 7 });
  });

  it('is refused while its owner runs', async () => {
    expect(await acquire(new ContestedLock('running'), running, seven)).toEqual({ heldBy: held('running') });
  });

  it('is taken from an execution that was stopped and took it late, just before', async () => {
    expect(await acquire(new ContestedLock(null, 'stopped'), running, seven)).toEqual({ epoch: 7 });
  });

  it('is refused when one that runs took it just before', async () => {
    expect(await acquire(new ContestedLock('stopped', 'running'), running, seven)).toEqual({ heldBy: held('running') });
  });

  it('is not tried for without end', async () => {
    const lock = new ContestedLock(null, ...Array.from({ length: 50 }, (_, index) => `stopped ${index}`));
    expect(await acquire(lock, running, seven)).toMatchObject({ heldBy: { owner: expect.stringMatching(/^stopped/) } });
  });
});
