/** Waiting for what a scenario expects, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { LocalCluster } from '../client/host-access.ts';
import { superuserSql } from '../client/node-sql.ts';
import { check } from './context.ts';

/** Waits until `sql` on a node gives `expected`. */
export async function becomes(
  cluster: LocalCluster,
  node: ClusterNode,
  sql: string,
  expected: string,
  limitSeconds: number,
): Promise<number> {
  const started = performance.now();
  for (;;) {
    const seen = await superuserSql(cluster, node, sql).catch((error: Error) => error.message);
    const seconds = (performance.now() - started) / 1000;
    if (seen === expected) return seconds;
    check(seconds < limitSeconds, `${JSON.stringify(expected)} within ${limitSeconds} s`, seen);
    await pause(20);
  }
}

/** Waits until something holds. */
export async function waitUntil(
  what: string,
  limitSeconds: number,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + limitSeconds * 1000;
  while (!(await holds())) {
    check(performance.now() < deadline, `${what} within ${limitSeconds} s`, 'not yet');
    await pause(20);
  }
}
