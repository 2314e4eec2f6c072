/** Judges whether a cluster replicates as it should, from what the observer saw. */
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import type { NodeFacts, NodeObservation, Observation, ReplicationRow } from '../contract/observation.ts';
import type { ReplicationReport } from '../contract/payloads.ts';
import { lsnPosition } from './lsn.ts';
import { type Problem, problemsError } from './problems.ts';
import { agreeing, counted, waitingSessions } from './quantities.ts';
import { walsenderOf } from './survey.ts';

/**
 * Facts of the node that is to be the primary.
 *
 * @throws OperatorError ClusterUnobservable when it did not answer, NotThePrimary when it is in recovery
 */
export function primaryFacts(observation: Observation, primary: string): NodeFacts {
  const seen = observation.nodes.find(({ node }) => node === primary);
  if (seen === undefined) throw new RangeError(`the observation lacks ${primary}`);
  if (!seen.answered) {
    throw new OperatorError(
      'ClusterUnobservable',
      `${primary} could not be asked over SQL (${seen.failure.kind}): ${seen.failure.message}`,
      'Check the security groups between observer and nodes, pg_hba.conf and the monitoring secret.',
    );
  }
  if (seen.facts.inRecovery) {
    throw new OperatorError(
      'NotThePrimary',
      `${primary} is in recovery: it is a standby.`,
      'Start the runbook again; it looks for the primary anew.',
    );
  }
  return seen.facts;
}

/** What is known of a standby that does not stream, from its own side. */
function ownView(seen: NodeObservation | undefined): string {
  if (seen === undefined) return 'it was not observed';
  if (!seen.answered) return `it does not answer (${seen.failure.kind}: ${seen.failure.message})`;
  const { walReceiver, inRecovery } = seen.facts;
  if (!inRecovery) return 'it accepts writes itself, as a primary';
  if (walReceiver === null) return 'it runs without a WAL receiver';
  return `its WAL receiver is ${walReceiver.status}`;
}

/**
 * @param expected standbys that have to stream; all others of the cluster are left out of the judgement
 * @throws OperatorError StandbyNotStreaming, naming every standby that does not stream and what is seen of it;
 *   StandbyCatchingUp when all that do not are on their way
 */
export function requireStreaming(
  cluster: Cluster,
  primary: string,
  observation: Observation,
  expected: readonly string[] = cluster.nodes.map(({ name }) => name),
): void {
  const facts = primaryFacts(observation, primary);
  const problems = cluster.nodes.flatMap(({ name }): Problem[] => {
    if (name === primary || !expected.includes(name)) return [];
    const row = walsenderOf(facts, name);
    if (row?.state === 'streaming') return [];
    const seen = observation.nodes.find(({ node }) => node === name);
    const onPrimary = row === undefined ? 'the primary has no walsender for it' : `its state is ${row.state}`;
    return [
      {
        node: name,
        error: row?.state === 'catchup' ? 'StandbyCatchingUp' : 'StandbyNotStreaming',
        message: `${onPrimary}; ${ownView(seen)}.`,
        remedy: "The standby's PostgreSQL log says why.",
      },
    ];
  });
  if (problems.length > 0) throw problemsError(problems, 'StandbyNotStreaming');
}

/**
 * Requires that as many standbys as the rule asks for are synchronous *and* have flushed WAL up to `sinceLsn`,
 * the primary's position after the list was set: "sync" in the view alone does not mean caught up.
 *
 * @throws OperatorError StandbyNotCaughtUp
 */
export function requireCaughtUp(cluster: Cluster, primary: string, observation: Observation, sinceLsn: string): void {
  const facts = primaryFacts(observation, primary);
  const since = lsnPosition(sinceLsn);
  const synchronous = facts.replication.filter(({ syncState }) => syncState === 'sync' || syncState === 'quorum');
  const caughtUp = synchronous.filter(({ flushLsn }) => flushLsn !== null && lsnPosition(flushLsn) >= since);
  if (caughtUp.length >= cluster.replication.count) return;
  throw new OperatorError(
    'StandbyNotCaughtUp',
    `${caughtUp.length} of ${cluster.replication.count} required synchronous standbys ${agreeing(caughtUp.length, 'has')} flushed WAL up to ${sinceLsn}.\n${replicationTable(cluster, facts).join('\n')}`,
    'Commits wait until they have. If this lasts, look at the network and the disks of the standbys.',
  );
}

/**
 * Requires that commits wait for nobody, and that those which waited have returned.
 *
 * @throws OperatorError CommitsStillWait
 */
export function requireReleased(primary: string, observation: Observation): void {
  const { synchronousStandbyNames, blockedSessions } = primaryFacts(observation, primary);
  if (synchronousStandbyNames.trim() === '' && blockedSessions.count === 0) return;
  throw new OperatorError(
    'CommitsStillWait',
    `synchronous_standby_names on ${primary} is ${synchronousStandbyNames === '' ? 'empty' : synchronousStandbyNames}, and ${waitingSessions(blockedSessions.count, blockedSessions.oldestSeconds, ' for a standby')}.`,
    'Look at the PostgreSQL log of the primary. Do not cancel waiting sessions; start this runbook again.',
  );
}

/** Rows of `pg_stat_replication` in the order of `clusters.json`, foreign ones last. */
export function inOrder(cluster: Cluster, rows: readonly ReplicationRow[]): ReplicationRow[] {
  const order = (row: ReplicationRow) => {
    const index = cluster.nodes.findIndex(({ name }) => name.toLowerCase() === row.applicationName.toLowerCase());
    return index === -1 ? cluster.nodes.length : index;
  };
  return rows.toSorted((a, b) => order(a) - order(b));
}

/** `pg_stat_replication` as psql prints it, standbys in their order of priority. */
export function replicationTable(cluster: Cluster, facts: NodeFacts): string[] {
  const heading = ['usename', 'application_name', 'client_addr', 'sync_state'];
  const rows = inOrder(cluster, facts.replication).map((row) => [
    row.user,
    row.applicationName,
    row.clientAddress ?? '',
    row.syncState,
  ]);
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const centred = (text: string, width: number) => text.padStart((width + text.length) >> 1).padEnd(width);
  const line = (cells: readonly string[], pad: (text: string, width: number) => string) =>
    ` ${cells.map((cell, column) => pad(cell, widths[column] ?? 0)).join(' | ')}`.trimEnd();
  return [
    line(heading, centred),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...rows.map((row) => line(row, (text, width) => text.padEnd(width))),
    `(${counted(rows.length, 'row')})`,
  ];
}

/** Report for the end of a runbook. */
export function replicationReport(cluster: Cluster, primary: string, observation: Observation): ReplicationReport {
  const facts = primaryFacts(observation, primary);
  return {
    primary,
    synchronousStandbyNames: facts.synchronousStandbyNames,
    table: replicationTable(cluster, facts),
  };
}
