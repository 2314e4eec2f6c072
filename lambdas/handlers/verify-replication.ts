import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { retryUntil } from '../adapters/retry-until.ts';
import { type ReplicationReport, verifyReplicationInputSchema } from '../contract/payloads.ts';
import { requireBuilt } from '../domain/built-standbys.ts';
import {
  primaryFacts,
  replicationReport,
  requireCaughtUp,
  requireReleased,
  requireStreaming,
} from '../domain/replication.ts';

const cluster = deployedCluster();
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** How long one call keeps looking; the runbook's Retry goes on from there. */
const patienceMilliseconds = 20_000;

/** Looks at the cluster over SQL until it replicates as expected, or says what is missing. */
export async function handler(event: unknown): Promise<ReplicationReport> {
  const { expect, primary, standbys, followers } = parseInput(
    verifyReplicationInputSchema,
    event,
    'verify-replication',
  );
  const expected = followers?.filter(({ failure }) => failure === undefined).map(({ node }) => node);
  requireBuilt(standbys);
  const credentials = await readCredentials(secret);
  const look = () => observe(observer, credentials);
  // With fewer standbys than a commit needs there is nobody to wait for; the runbook's report says that writes wait.
  const enough = expected === undefined || expected.length >= cluster.replication.count;
  const confirms = enough && (expect === 'durable' || expect === 'synchronous');
  const sinceLsn = confirms ? primaryFacts(await look(), primary).lsn : null;
  return retryUntil(patienceMilliseconds, async () => {
    const observation = await look();
    if (expect === 'released') requireReleased(primary, observation);
    if (expect === 'streaming' || expect === 'durable') requireStreaming(cluster, primary, observation, expected);
    if (sinceLsn !== null) requireCaughtUp(cluster, primary, observation, sinceLsn);
    return replicationReport(cluster, primary, observation);
  });
}
