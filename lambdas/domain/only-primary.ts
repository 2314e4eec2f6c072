/** The one node that accepts writes, for runbooks that change something there. */
import { OperatorError } from '../contract/errors.ts';
import type { NodeFacts, Observation } from '../contract/observation.ts';
import { list } from './quantities.ts';

/** @throws OperatorError NoPrimary when no node that answers accepts writes, TwoPrimaries when several do */
export function onlyPrimary(observation: Observation): { readonly node: string; readonly facts: NodeFacts } {
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
  return primary;
}
