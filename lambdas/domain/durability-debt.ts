/** How much of the primary's WAL is on as many standbys as the rule asks for, and how much is not. */
import type { Cluster } from '../contract/cluster-config.ts';
import type { CheckerState } from '../contract/health.ts';
import type { NodeFacts, Observation } from '../contract/observation.ts';
import { slotName } from '../contract/slot-name.ts';
import { lsnPosition, lsnText } from './lsn.ts';
import { sameName } from './survey.ts';

/** A standby this close behind the primary has caught up: commits wait for it no longer than for a burst of writes. */
const caughtUpBytes = 16 * 1024 * 1024;

/**
 * The position up to which `count` standbys hold the primary's WAL on disk. What the primary does not see any more its
 * slots remember, and a standby that answers says it itself. Where less is known, nothing is claimed: `0/0`.
 */
export function protectedLsn(cluster: Cluster, primary: string, facts: NodeFacts, observation: Observation): string {
  const end = lsnPosition(facts.lsn ?? '0/0');
  const positions = cluster.nodes
    .filter(({ name }) => name !== primary)
    .map(({ name }) => flushed(name, facts, observation))
    .toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const position = positions[cluster.replication.count - 1] ?? 0n;
  return lsnText(position < end ? position : end);
}

/** The furthest position that a standby is known to have on its disk; 0 when nothing is known. */
function flushed(standby: string, primary: NodeFacts, observation: Observation): bigint {
  const end = lsnPosition(primary.lsn ?? '0/0');
  const seen = observation.nodes.find(({ node }) => node === standby);
  const own =
    seen?.answered === true &&
    seen.facts.inRecovery &&
    seen.facts.systemIdentifier === primary.systemIdentifier &&
    seen.facts.timeline === primary.timeline &&
    seen.facts.lsn !== null
      ? [lsnPosition(seen.facts.lsn)]
      : [];
  const confirmed = primary.replication
    .filter(({ applicationName }) => sameName(applicationName, standby))
    .flatMap(({ flushLsn }) => (flushLsn === null ? [] : [lsnPosition(flushLsn)]));
  const reserved = primary.slots
    .filter(({ name }) => name === slotName(standby))
    .flatMap(({ retainedBytes }) => (retainedBytes === null ? [] : [end - BigInt(Math.round(retainedBytes))]));
  return [...own, ...confirmed, ...reserved].reduce((a, b) => (b > a ? b : a), 0n);
}

/** Bytes of WAL between two positions; 0 when the first is the later one. */
export function bytesBetween(from: string, to: string): number {
  const distance = lsnPosition(to) - lsnPosition(from);
  return distance > 0n ? Number(distance) : 0;
}

/** Standbys of the cluster that stream and have caught up, so that commits can wait for them again. */
export function caughtUpStandbys(cluster: Cluster, primary: string, facts: NodeFacts): string[] {
  return cluster.nodes
    .map(({ name }) => name)
    .filter((name) => name !== primary)
    .filter((name) =>
      facts.replication.some(
        ({ applicationName, state, flushLagBytes }) =>
          sameName(applicationName, name) &&
          state === 'streaming' &&
          flushLagBytes !== null &&
          flushLagBytes <= caughtUpBytes,
      ),
    );
}

/** Whether an allowance may be on record: a healthy cluster need not be asked about one with every check. */
export function mayBeSuspended(observation: Observation, { memory, incident }: CheckerState): boolean {
  return (
    incident !== null ||
    memory.suspension !== null ||
    memory.unread !== null ||
    // Whoever is to decide about a failover must know.
    !observation.nodes.some((seen) => seen.answered && !seen.facts.inRecovery) ||
    observation.nodes.some(
      (seen) => seen.answered && !seen.facts.inRecovery && seen.facts.synchronousStandbyNames.trim() === '',
    )
  );
}
