/** Applications that write while something happens to a cluster, and what must hold for them whatever it is. */
import { expect } from 'vitest';
import type { ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import type { LocalCluster } from '../../local/client/host-access.ts';
import { type Gap, LedgerWriter, missingRows } from '../../local/client/ledger.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { WriteProbe, writesBesideAnother } from '../../local/client/write-probe.ts';

/** What an application saw. */
export interface LoadReport {
  /** Rows that were acknowledged. */
  readonly rows: number;
  /** The longest time between two of them. */
  readonly longestGap: Gap;
}

/**
 * Has an application write rows, and a probe try to write to every node, while `act` runs; it may change the primary
 * once. Applications must be able to write afterwards, every acknowledged row must be on the successor, and at no time
 * may two nodes have acknowledged writes.
 *
 * @param successor the primary when `act` has ended
 */
export async function underLoad(
  cluster: LocalCluster,
  successor: ClusterNode,
  act: () => Promise<unknown>,
): Promise<LoadReport> {
  // Numbers that no writer before it has used: a row of the same number would stand in for a lost one.
  await using writer = LedgerWriter.start(cluster, 50, Date.now());
  await using probe = WriteProbe.start(cluster);
  await waitFor('rows', 20, () => writer.acknowledged.length > 5);
  writer.takeLongestGap();
  await act();
  const rows = writer.acknowledged.length;
  await waitFor('rows on the successor', 30, () => writer.acknowledged.length > rows + 5);
  await writer.stop();
  await probe.stop();
  expect(await missingRows(cluster, successor, writer.acknowledged)).toEqual([]);
  expect(writesBesideAnother(probe.take())).toEqual([]);
  return { rows: writer.acknowledged.length, longestGap: writer.takeLongestGap() };
}
