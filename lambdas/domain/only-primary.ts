/** The one node that accepts writes, for runbooks that change something there. */
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { NodeFacts, Observation } from '../contract/observation.ts';
import { emptyMemory } from './checker-memory.ts';
import { list, listed } from './quantities.ts';
import { survey } from './survey.ts';
import { unseenPrimary } from './unseen-primary.ts';

/**
 * @throws OperatorError NoPrimary when no node that answers accepts writes; TwoPrimaries when several do, or when the
 *   standbys have gone on with one that does not answer
 */
export function onlyPrimary(
  cluster: Cluster,
  observation: Observation,
): { readonly node: string; readonly facts: NodeFacts } {
  const primaries = observation.nodes.flatMap((seen) => (seen.answered && !seen.facts.inRecovery ? [seen] : []));
  const [primary] = primaries;
  if (primary === undefined) {
    const seen = observation.nodes.map((each) =>
      each.answered ? `${each.node} is in recovery` : `${each.node} does not answer (${each.failure.kind})`,
    );
    throw new OperatorError(
      'NoPrimary',
      `No node accepts writes: ${list(seen)}.`,
      'Nothing was changed. Bring the primary back, or fail over; then start this runbook again.',
    );
  }
  if (primaries.length > 1) {
    throw new OperatorError(
      'TwoPrimaries',
      `More than one node accepts writes: ${list(primaries.map(({ node }) => node))}.`,
      'Nothing was changed. Decide which one holds the truth and stop the other before anything else.',
    );
  }
  const seen = survey(cluster, observation, emptyMemory, new Date());
  const unseen = unseenPrimary(seen, primary.facts.timeline);
  if (unseen !== null) {
    throw new OperatorError(
      'TwoPrimaries',
      `${primary.node} accepts writes on timeline ${primary.facts.timeline}, but ${listed(
        unseen.standbys.map(({ node }) => node.name),
        'receives',
      )} a later one from ${unseen.node.name}, which the observer cannot ask.`,
      `Nothing was changed. ${primary.node} is a former primary that has come back: start the rejoin runbook for it when ${unseen.node.name} can be asked again.`,
    );
  }
  return primary;
}
