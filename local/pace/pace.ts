/** The pace of a runtime: how long what it stands for takes on AWS, or no time at all. */
import { setTimeout as pause } from 'node:timers/promises';
import { awsPace, type PaceKind } from './aws-pace.ts';

/** What `--latency` takes: this machine's own pace, AWS's on an ordinary day, AWS's at its slowest without an outage. */
export const latencies = ['none', 'aws', 'aws-slow'] as const;
export type Latency = (typeof latencies)[number];

/**
 * Waits as AWS would. The times are those of the table, not random: what a run shows, the next one shows again.
 * Each wait is its own timer, so nothing waits for anybody else's.
 */
export class Pace {
  /** May change while the runtime runs: what has begun keeps its time. */
  latency: Latency;

  constructor(latency: Latency = 'none') {
    this.latency = latency;
  }

  /** Milliseconds that this takes; 0 at this machine's own pace. */
  milliseconds(kind: PaceKind): number {
    if (this.latency === 'none') return 0;
    return awsPace[kind][this.latency === 'aws' ? 'typical' : 'slow'];
  }

  /** Resolves when this is over; so many times, one after the other. */
  async wait(kind: PaceKind, times = 1): Promise<void> {
    const milliseconds = times * this.milliseconds(kind);
    // Without `ref` a wait would keep a runtime's process that has ended from exiting.
    if (milliseconds > 0) await pause(milliseconds, undefined, { ref: false });
  }

  /** Does something when this is over; at once, within this call, at this machine's own pace. */
  after(kind: PaceKind, act: () => void): void {
    const milliseconds = this.milliseconds(kind);
    if (milliseconds === 0) act();
    else setTimeout(act, milliseconds).unref();
  }
}

/** This machine's own pace. */
export const ownPace = new Pace();
