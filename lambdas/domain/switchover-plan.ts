/** May the primary be changed now, and to this node? */
import type { Cluster } from '../contract/cluster-config.ts';
import { type ErrorName, OperatorError } from '../contract/errors.ts';
import type { CheckerMemory } from '../contract/health.ts';
import type { Observation, ReplicationRow } from '../contract/observation.ts';
import type { SwitchoverPlan } from '../contract/promotions.ts';
import { expectedStandbyNames } from './expected-rule.ts';
import { bytes, list } from './quantities.ts';
import { type Answered, type Survey, streamingStandbys, survey, walsenderOf } from './survey.ts';
import { synchronousSituation } from './synchronous-situation.ts';

/** Writers wait while the rest is sent and replayed: no more than this. */
const mostLagBytes = 16 * 1024 * 1024;

const refuse = (name: ErrorName, message: string, remedy: string) =>
  new OperatorError(name, message, `Nothing was changed. ${remedy}`);

/**
 * Plans a switchover.
 *
 * @throws OperatorError SwitchoverToPrimary, StandbyNotSynchronous, StandbyLagging, TwoPrimaries or ClusterNotHealthy
 */
export function planSwitchover(
  cluster: Cluster,
  observation: Observation,
  memory: CheckerMemory,
  to: string,
  now: Date,
): SwitchoverPlan {
  const seen = survey(cluster, observation, memory, now);
  const plan = (mode: SwitchoverPlan['mode'], from: string): SwitchoverPlan => ({
    mode,
    from,
    to,
    standbyNames: expectedStandbyNames(cluster, to),
    followers: cluster.nodes
      .map(({ name }) => ({ node: name, stopped: mode === 'finish' || name === from }))
      .filter(({ node }) => node !== to),
  });
  if (seen.primaries.length > 1) {
    throw refuse(
      'TwoPrimaries',
      `More than one node accepts writes: ${list(seen.primaries.map(({ node }) => node.name))}.`,
      'Decide which one holds the truth, and stop the others.',
    );
  }
  const { primary } = seen;
  if (primary === null) return plan('switch', stoppedPrimary(seen, to));
  if (primary.node.name === to) {
    const missing = notStreaming(seen, primary);
    if (missing.length > 0) return plan('finish', to);
    throw refuse(
      'SwitchoverToPrimary',
      `${to} is the primary already, and all other nodes follow it.`,
      'There is nothing to do.',
    );
  }
  requireFitting(cluster, primary, to);
  requireHealthy(seen, primary);
  return plan('switch', primary.node.name);
}

/**
 * No primary: perhaps an earlier run stopped it and was stopped itself then. Whether that is so its host knows, which
 * refuses to go on otherwise.
 */
function stoppedPrimary(seen: Survey, to: string): string {
  const former = seen.silent.find(({ node }) => node === seen.presumedPrimary);
  const target = seen.answered.find(({ node }) => node.name === to);
  // Had another node been promoted since, it might hold commits that this one lacks.
  const isNewest = seen.answered.every(({ facts }) => facts.timeline <= (target?.facts.timeline ?? 0));
  if (former?.failure.kind !== 'refused' || target === undefined || seen.silent.length > 1 || !isNewest) {
    throw refuse(
      'ClusterNotHealthy',
      `There is no primary that answers: ${seen.silent.map(({ node, failure }) => `${node.name}: ${failure.kind}: ${failure.message}`).join('; ')}`,
      'A switchover needs a healthy cluster. If the primary is down, use the failover runbook.',
    );
  }
  return former.node.name;
}

function notStreaming({ cluster }: Survey, primary: Answered): string[] {
  const streaming = new Set([primary.node.name, ...streamingStandbys(cluster, primary.facts)]);
  return cluster.nodes.map(({ name }) => name).filter((name) => !streaming.has(name));
}

/** The node has, or will have in a moment, all that the primary has committed. */
function requireFitting(cluster: Cluster, primary: Answered, to: string): void {
  const row = walsenderOf(primary.facts, to);
  if (row?.state !== 'streaming' || row.syncState === 'async') {
    const what =
      row === undefined ? 'does not replicate' : `replicates as ${row.syncState} (its state is ${row.state})`;
    throw refuse(
      'StandbyNotSynchronous',
      `${to} ${what}; the primary is ${primary.node.name}.`,
      'Switch over to a standby that streams and is named in synchronous_standby_names. Rejoin brings a lost one back.',
    );
  }
  const lag = lagOf(row);
  const most = Math.min(mostLagBytes, cluster.monitoring.lagWarningBytes);
  if (lag > most) {
    throw refuse(
      'StandbyLagging',
      `${to} is ${bytes(lag)} behind ${primary.node.name}; at most ${bytes(most)} may be left to send and replay while writers wait.`,
      'Wait until it has caught up, or switch over to another standby.',
    );
  }
}

const lagOf = ({ flushLagBytes, replayLagBytes }: ReplicationRow): number =>
  Math.max(flushLagBytes ?? 0, replayLagBytes ?? 0);

function requireHealthy(seen: Survey, primary: Answered): void {
  const problems = notStreaming(seen, primary).map((name) => `${name} does not stream`);
  const situation = synchronousSituation(primary.facts);
  if (situation === null) problems.push(`commits on ${primary.node.name} wait for no standby`);
  else if (situation.confirming.length < situation.rule.count) problems.push('commits wait for a standby');
  if (problems.length === 0) return;
  throw refuse(
    'ClusterNotHealthy',
    `A switchover needs a healthy cluster: ${list(problems)}.`,
    'Repair that first: the rejoin runbook brings a standby back.',
  );
}
