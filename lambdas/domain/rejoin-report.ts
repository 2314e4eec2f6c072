/** Judges whether a node has rejoined, and says what was done to it. */
import type { Cluster } from '../contract/cluster-config.ts';
import { OperatorError } from '../contract/errors.ts';
import { resourceNames } from '../contract/names.ts';
import type { NodeFacts, Observation } from '../contract/observation.ts';
import type { RejoinMethod, RejoinReport, RejoinState } from '../contract/rejoin.ts';
import { configurationLines } from './configuration-failure.ts';
import { expectedRule, sameRule } from './expected-rule.ts';
import { explainFailure } from './failure.ts';
import { lsnPosition } from './lsn.ts';
import { bytes, duration } from './quantities.ts';
import { primaryFacts, replicationTable } from './replication.ts';
import { sameName, walsenderOf } from './survey.ts';
import { parseSynchronousStandbyNames, renderSynchronousStandbyNames } from './synchronous-standby-names.ts';

/**
 * @throws OperatorError StandbyNotStreaming; StandbyCatchingUp while it has not flushed what the primary had written at
 *   `sinceLsn`
 */
export function requireRejoined(
  primary: string,
  node: string,
  observation: Observation,
  sinceLsn: string | null,
): void {
  const row = walsenderOf(primaryFacts(observation, primary), node);
  if (row === undefined) {
    throw new OperatorError(
      'StandbyNotStreaming',
      `${primary} has no walsender for ${node}.`,
      `The PostgreSQL log of ${node} says why.`,
    );
  }
  const behind = sinceLsn !== null && (row.flushLsn === null || lsnPosition(row.flushLsn) < lsnPosition(sinceLsn));
  if (row.state !== 'streaming' || behind) {
    throw new OperatorError(
      'StandbyCatchingUp',
      `${node} is in state ${row.state} and has flushed WAL up to ${row.flushLsn ?? 'nowhere yet'}; ${primary} was at ${sinceLsn}.`,
      'If this lasts, look at the network and the disks of both.',
    );
  }
}

/**
 * The value to restore, or null when the rule in force means the same. With fewer standbys than the rule asks for
 * nothing is restored: that would block writes which someone has let go on.
 */
function wantedStandbyNames(cluster: Cluster, primary: string, facts: NodeFacts): string | null {
  const rule = expectedRule(cluster, primary);
  const current = parseSynchronousStandbyNames(facts.synchronousStandbyNames);
  if (current !== null && sameRule(current, rule)) return null;
  const streaming = rule.names.filter((name) => walsenderOf(facts, name)?.state === 'streaming');
  return streaming.length >= rule.count ? renderSynchronousStandbyNames(rule) : null;
}

/** The method that was the last one to be carried out. */
function methodOf(state: RejoinState): RejoinMethod {
  if (state.rebuilt !== undefined) return 'rebuild';
  if (state.rewound !== undefined) return 'rewind';
  return state.plan.method;
}

function triedBefore({ plan, startFailure, rewindFailure }: RejoinState): RejoinReport['tried'] {
  const tried = (method: RejoinMethod, failure: RejoinState['startFailure']) =>
    failure === undefined ? [] : [{ method, ...explainFailure(failure) }];
  return [...tried(plan.method, startFailure), ...tried('rewind', rewindFailure)];
}

/** Old data that its host did not discard, because commits in it may be nowhere else, or was not asked to discard. */
function remainingData({ rebuilt, discarded }: RejoinState): string[] {
  const former = rebuilt?.formerData ?? null;
  const kept = discarded?.kept ?? [];
  if (former === null || kept.includes(former) || discarded?.directories.includes(former) === true) return [...kept];
  return [...kept, former];
}

/** What has been done, once the node streams. */
export function rejoinReport(
  cluster: Cluster,
  state: RejoinState,
  observation: Observation,
  seconds: number,
): RejoinReport {
  const { plan, kept, rebuilt } = state;
  const facts = primaryFacts(observation, plan.primary);
  const report = {
    node: plan.node,
    primary: plan.primary,
    method: methodOf(state),
    reasons: plan.reasons,
    tried: triedBefore(state),
    seconds: Math.round(seconds * 10) / 10,
    bytes: rebuilt?.bytes ?? state.rewound?.bytes ?? 0,
    keptWal:
      kept === undefined || kept.directory === null
        ? null
        : { directory: kept.directory, bytes: kept.bytes, summary: kept.summary },
    formerData: remainingData(state),
    synchronousStandbyNames: facts.synchronousStandbyNames,
    wantedStandbyNames: wantedStandbyNames(cluster, plan.primary, facts),
    replication: replicationTable(cluster, facts),
  };
  const progressFailure = rebuilt?.progressFailure ?? state.rewound?.progressFailure ?? null;
  return {
    ...report,
    summary: [
      ...summaryOf(cluster, report, facts),
      ...configurationLines(plan.node, state.started?.configurationFailure),
      ...unfollowed(cluster, progressFailure),
    ],
  };
}

const done: Readonly<Record<RejoinMethod, string>> = {
  none: 'there was nothing to do',
  start: 'it was started',
  follow: 'it was made to follow the primary',
  rewind: 'it was rewound',
  rebuild: 'it was rebuilt by a base backup',
};

/** Where the host cannot reach CloudWatch Logs, nobody could follow the copy from afar: that is no fault of the copy. */
function unfollowed(cluster: Cluster, failure: string | null): string[] {
  if (failure === null) return [];
  const group = resourceNames(cluster.name).commandLogGroup;
  return [
    `The copy’s progress could not be shown in the log group ${group}, which the host could not write: ${failure}`,
  ];
}

function summaryOf(cluster: Cluster, report: Omit<RejoinReport, 'summary'>, facts: NodeFacts): string[] {
  const { node, primary, method, keptWal, formerData } = report;
  const copied = report.bytes > 0 ? `, ${bytes(report.bytes)} copied` : '';
  const rule = expectedRule(cluster, primary);
  const listed = parseSynchronousStandbyNames(facts.synchronousStandbyNames)?.names ?? [];
  const restored = listed.some((name) => sameName(name, node)) || report.wantedStandbyNames !== null;
  return [
    `${node} streams from ${primary} and has caught up: ${done[method]} (${duration(report.seconds)}${copied}).`,
    ...report.reasons,
    ...report.tried.map(({ method: tried, error }) => `${tried} was tried first and ended with ${error}.`),
    ...(keptWal === null
      ? []
      : [
          `What only ${node} had is kept in ${keptWal.directory} (${bytes(keptWal.bytes)}) on its host.`,
          ...keptWal.summary,
        ]),
    ...(formerData.length === 0
      ? []
      : [`Old data is still in ${formerData.join(' and ')} on its host; remove it when nobody needs it.`]),
    ...(restored
      ? []
      : [
          `synchronous_standby_names stays ${facts.synchronousStandbyNames === '' ? 'empty' : facts.synchronousStandbyNames}: too few standbys stream for ${rule.method} ${rule.count}.`,
        ]),
  ];
}
