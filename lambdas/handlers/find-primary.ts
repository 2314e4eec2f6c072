import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { findPrimaryInputSchema, type RejoinPrimary } from '../contract/rejoin.ts';
import { primaryFor } from '../domain/rejoin-primary.ts';

const cluster = deployedCluster();
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** Looks which node is the primary that another one is to follow, or says why that cannot be told. */
export async function handler(event: unknown): Promise<RejoinPrimary> {
  const { node } = parseInput(findPrimaryInputSchema, event, 'find-primary');
  return primaryFor(cluster, await observe(observer, await readCredentials(secret)), node);
}
