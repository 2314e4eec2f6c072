import { deployedCluster } from '../adapters/cluster.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { parseInput } from '../adapters/parse.ts';
import { type Candidate, chooseCandidateInputSchema } from '../contract/promotions.ts';
import { chooseCandidate } from '../domain/failover-choice.ts';
import { runbookLinks } from '../domain/runbook-links.ts';

const cluster = deployedCluster();
const links = runbookLinks(cluster.network.region, environmentVariable('RUNBOOK_ARN_PREFIX'));

/** Chooses the node to be promoted from what its standbys reported when they had stopped following. */
export async function handler(event: unknown): Promise<Candidate> {
  const { plan, fence, detached } = parseInput(chooseCandidateInputSchema, event, 'choose-candidate');
  return chooseCandidate(cluster, plan, fence, detached, (input) => links.startCommand('failover', input));
}
