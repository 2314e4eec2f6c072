/** Which node the one that rejoins is to follow: found by looking, never by configuration. */
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { Observation } from '../contract/observation.ts';
import type { RejoinPrimary } from '../contract/rejoin.ts';
import { emptyMemory } from './checker-memory.ts';
import { counted } from './quantities.ts';
import { type Answered, type Survey, streamingStandbys, survey } from './survey.ts';
import { unseenPrimary } from './unseen-primary.ts';

/**
 * The node among the others that the one to rejoin must follow.
 *
 * @throws OperatorError NodeIsPrimary when the node is what the others follow; NoPrimary when no other node is seen to
 *   accept writes; TwoPrimaries when only a person can tell which one holds the truth
 */
export function primaryFor(cluster: Cluster, observation: Observation, name: string): RejoinPrimary {
  const seen = survey(cluster, observation, emptyMemory, new Date());
  const self = seen.primaries.find(({ node }) => node.name === name);
  const others = seen.primaries.filter(({ node }) => node.name !== name);
  const [primary, second] = others;
  if (primary === undefined) throw self === undefined ? noPrimary(seen, name) : nodeIsPrimary(self, seen);
  if (second !== undefined) {
    throw twoPrimaries(`${others.map(({ node }) => node.name).join(' and ')} both accept writes`);
  }
  requireNoOtherSuspected(seen, primary, name);
  const followers = streamingStandbys(cluster, primary.facts).filter((follower) => follower !== name);
  if (self !== undefined) requireSubordinate(seen, self, primary);
  return { primary: primary.node.name, followers: followers.length, acceptsWrites: self !== undefined };
}

/** Of two nodes that accept writes the primary is the one that is followed; if neither is, the one of the later timeline. */
function requireSubordinate(seen: Survey, self: Answered, primary: Answered): void {
  const followers = ({ facts }: Answered) => streamingStandbys(seen.cluster, facts).length;
  const [own, its] = [followers(self), followers(primary)];
  if (own > 0 && its === 0) throw nodeIsPrimary(self, seen);
  if (its > 0 && own === 0) return;
  const timelines = `${self.node.name} is on timeline ${self.facts.timeline}, ${primary.node.name} on ${primary.facts.timeline}`;
  if (own > 0 || self.facts.timeline >= primary.facts.timeline) {
    throw twoPrimaries(`${self.node.name} and ${primary.node.name} both accept writes; ${timelines}`);
  }
}

/** A former primary that came back is not the primary, though nobody else may answer: a standby knows whom it follows. */
function requireNoOtherSuspected(seen: Survey, primary: Answered, name: string): void {
  const others = { ...seen, silent: seen.silent.filter(({ node }) => node.name !== name) };
  const unseen = unseenPrimary(others, primary.facts.timeline);
  const [standby] = unseen?.standbys ?? [];
  if (unseen === null || standby === undefined) return;
  throw twoPrimaries(
    `${primary.node.name} accepts writes on timeline ${primary.facts.timeline}, but ${standby.node.name} streams timeline ${standby.facts.timeline} from ${unseen.node.name}, which the observer cannot ask`,
  );
}

function nodeIsPrimary({ node }: Answered, seen: Survey): OperatorError {
  const others = seen.cluster.nodes.filter(({ name }) => name !== node.name).map(({ name }) => name);
  return new OperatorError(
    'NodeIsPrimary',
    `${node.name} is the primary: it accepts writes, and no other node does that anybody follows.`,
    `Nothing was changed. Give rejoin the node that fell out (${others.join(', ')}). To have another primary, use switchover or failover.`,
  );
}

function noPrimary(seen: Survey, name: string): OperatorError {
  const lines = [
    ...seen.answered.map(({ node, facts }) => `${node.name} is in recovery, on timeline ${facts.timeline}`),
    ...seen.silent.map(({ node, failure }) => `${node.name} does not answer (${failure.kind}: ${failure.message})`),
  ];
  return new OperatorError(
    'NoPrimary',
    `No node other than ${name} is seen to accept writes, so there is nothing to rejoin to. ${counted(lines.length, 'node')}: ${lines.join('; ')}.`,
    'Nothing was changed. Bring the primary back, or fail over to a standby; then start rejoin again.',
  );
}

function twoPrimaries(what: string): OperatorError {
  return new OperatorError(
    'TwoPrimaries',
    `${what}.`,
    'Nothing was changed. Decide which one holds the truth and stop PostgreSQL on the other; keep its data directory. Then rejoin that one.',
  );
}
