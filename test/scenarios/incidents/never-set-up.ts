/** A cluster that was deployed and never set up. */
import { expect, it } from 'vitest';
import type { WatchedCluster } from '../../support/watched-cluster.ts';

/** @param started when the checker can have looked first, by `performance.now()` */
export function neverSetUp(watched: () => WatchedCluster, started: number): void {
  it.sequential('once, after two minutes', async () => {
    const [mail] = await watched().mailbox.next('not set up', 150);
    expect((performance.now() - started) / 1000).toBeGreaterThan(120);
    expect(mail?.subject).toBe('WARNING fresh: not set up yet');
    expect(mail?.text).toMatch(/No node has ever answered: fresh_primary \(refused\) and fresh_standby \(refused\)/);
    expect(mail?.text).toContain('Start the setup runbook.');
    await watched().expectSilence(6);
    await watched().expectSameByHttp();
  });
}
