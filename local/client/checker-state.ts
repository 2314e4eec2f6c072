/** What the checker of a cluster remembers, read from its table. */
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { type CheckerState, checkerStateSchema } from '../../lambdas/contract/health.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import type { LocalClients } from './aws-clients.ts';
import { waitFor } from './wait-for.ts';

/** The item that holds it. */
export const checkerItem = (cluster: string) => ({
  TableName: resourceNames(cluster).stateTable,
  Key: { id: { S: 'checker' } },
});

/** Null before the first check. */
export async function checkerState(clients: LocalClients, cluster: string): Promise<CheckerState | null> {
  const { Item } = await clients.dynamodb.send(new GetItemCommand({ ...checkerItem(cluster), ConsistentRead: true }));
  return Item?.state?.S === undefined ? null : checkerStateSchema.parse(JSON.parse(Item.state.S));
}

/** Waits until the checker has seen the primary and who confirms its commits: a failover relies on both. */
export async function checkerKnows(
  clients: LocalClients,
  cluster: string,
  primary: string,
  limitSeconds = 60,
): Promise<void> {
  await waitFor(`the checker to know ${primary} and its rule`, limitSeconds, async () => {
    const memory = (await checkerState(clients, cluster))?.memory;
    const { synchronous } = memory ?? {};
    return memory?.primary?.node === primary && synchronous?.node === primary && synchronous.standbys.length > 0;
  });
}
