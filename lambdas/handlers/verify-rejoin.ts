import { deployedCluster } from '../adapters/cluster.ts';
import { readCredentials } from '../adapters/credentials.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { observe } from '../adapters/observer.ts';
import { parseInput } from '../adapters/parse.ts';
import { retryUntil } from '../adapters/retry-until.ts';
import { type RejoinReport, verifyRejoinInputSchema } from '../contract/rejoin.ts';
import { rejoinReport, requireRejoined } from '../domain/rejoin-report.ts';
import { primaryFacts } from '../domain/replication.ts';

const cluster = deployedCluster();
const observer = environmentVariable('OBSERVER_FUNCTION');
const secret = environmentVariable('MONITORING_SECRET_ID');

/** How long one call keeps looking; the runbook's Retry goes on from there. */
const patienceMilliseconds = 20_000;

/** Looks until the node streams and has caught up, then says what was done to it. */
export async function handler(event: unknown): Promise<RejoinReport> {
  const { startedAt, state } = parseInput(verifyRejoinInputSchema, event, 'verify-rejoin');
  const { node, primary } = state.plan;
  const credentials = await readCredentials(secret);
  const look = () => observe(observer, credentials);
  const sinceLsn = primaryFacts(await look(), primary).lsn;
  return retryUntil(patienceMilliseconds, async () => {
    const observation = await look();
    requireRejoined(primary, node, observation, sinceLsn);
    return rejoinReport(cluster, state, observation, (Date.now() - Date.parse(startedAt)) / 1000);
  });
}
