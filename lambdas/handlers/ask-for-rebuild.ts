import { publishAlert } from '../adapters/alerts-topic.ts';
import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseInput } from '../adapters/parse.ts';
import { askForRebuildInputSchema } from '../contract/rejoin.ts';
import { renderRebuildRequest } from '../domain/rebuild-request.ts';
import { runbookLinks } from '../domain/runbook-links.ts';

const cluster = deployedCluster();
const topic = environmentVariable('TOPIC_ARN');
const links = runbookLinks(cluster.network.region, environmentVariable('RUNBOOK_ARN_PREFIX'));

/** Asks the subscribers whether a node may be rebuilt; the task waits until somebody answers with its token. */
export async function handler(event: unknown): Promise<void> {
  const request = parseInput(askForRebuildInputSchema, event, 'ask-for-rebuild');
  await publishAlert(topic, renderRebuildRequest(cluster, request, links));
}
