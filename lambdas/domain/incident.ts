/** The bookkeeping of an incident: what has been told, what of it is gone, and for how long writes stood still. */
import type { Cluster } from '../contract/cluster-config.ts';
import {
  type CheckerState,
  type Finding,
  type FindingKind,
  type Incident,
  type Severity,
  type Status,
  severities,
  type ToldFinding,
} from '../contract/health.ts';
import { findingPolicies } from './finding-policy.ts';
import { isOver, rememberedSeconds } from './persistence.ts';
import { secondsBetween } from './quantities.ts';

type Told = Incident['told'];
type Ended = CheckerState['ended'];

const isWorse = (a: Severity, b: Severity): boolean => severities.indexOf(a) > severities.indexOf(b);

/** Readable, and unique within a cluster: of two incidents at least a check lies between. */
export function incidentId(cluster: Cluster, openedAt: Date): string {
  const [date = '', time = ''] = openedAt.toISOString().split(/[T.]/);
  return `${cluster.name}-${date.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
}

/** A told finding is there as long as something of its key is, and as severe. */
function isThere(told: ToldFinding, finding: Finding | undefined): boolean {
  return finding !== undefined && !isWorse(told.severity, finding.severity);
}

/** Notes of each told finding whether it is there, or since when it is gone. */
export function withAbsences(told: Told, findings: readonly Finding[], now: Date): Told {
  return mapValues(told, (each, key) => {
    const there = isThere(
      each,
      findings.find((finding) => finding.key === key),
    );
    return { ...each, goneSince: there ? null : (each.goneSince ?? now.toISOString()) };
  });
}

/** Keys of what has been gone for long enough. */
export function overKeys(cluster: Cluster, told: Told, now: Date): string[] {
  return Object.keys(told).filter((key) => {
    const each = told[key];
    return each !== undefined && isOver(cluster, each.goneSince, each.returns, now);
  });
}

/** Findings that no alert has told yet, or only as less severe ones. */
export function untold(told: Told, findings: readonly Finding[]): Finding[] {
  return findings.filter(({ key, severity }) => {
    const known = told[key];
    return known === undefined || isWorse(severity, known.severity);
  });
}

/** What has been told after an alert that lists `findings`; what is over is forgotten. */
export function tell(told: Told, findings: readonly Finding[], over: readonly string[], ended: Ended, now: Date): Told {
  const kept = Object.entries(told).filter(([key]) => !over.includes(key));
  const listed = findings.map(({ key, kind, severity, title }): [string, ToldFinding] => [
    key,
    { kind, severity, title, goneSince: null, returns: told[key]?.returns ?? returnsOf(kind, ended[key], now) },
  ]);
  const before = new Map(kept);
  // What is listed with less severity than it was told keeps its place until that is over.
  const news = listed.filter(([key, each]) => {
    const known = before.get(key);
    return known === undefined || !isWorse(known.severity, each.severity);
  });
  return Object.fromEntries([...kept, ...news]);
}

/** How often trouble has come back, if it comes now; after a long calm it starts anew. */
function returnsOf(kind: FindingKind, earlier: Ended[string] | undefined, now: Date): number {
  if (findingPolicies[kind].isConsequence) return 0;
  if (earlier === undefined || secondsBetween(earlier.at, now) > rememberedSeconds) return 0;
  return earlier.returns + 1;
}

/** Remembers what is over, and forgets what has been over for long. */
export function withEnded(ended: Ended, told: Told, over: readonly string[], now: Date): Ended {
  const recent = Object.entries(ended).filter(([, { at }]) => secondsBetween(at, now) <= rememberedSeconds);
  const gone = over.map((key) => [key, { at: now.toISOString(), returns: told[key]?.returns ?? 0 }] as const);
  return Object.fromEntries([...recent, ...gone]);
}

/** In these no commit returns. Two primaries both write; nothing is known of an unknown cluster. */
export const writesStop = (status: Status): boolean => status === 'writes-blocked' || status === 'primary-down';

/** The clock of the time during which writes did not go through; a cluster that cannot be seen leaves it as it is. */
export function clocked(
  clock: Incident['writesStopped'],
  status: Status,
  stoppedSince: string,
  now: Date,
): Incident['writesStopped'] {
  if (status === 'unknown') return clock;
  if (writesStop(status)) return clock.since === null ? { ...clock, since: stoppedSince } : clock;
  return clock.since === null ? clock : { seconds: stoppedSeconds(clock, now), since: null };
}

/** Seconds on the clock now. */
export function stoppedSeconds({ seconds, since }: Incident['writesStopped'], now: Date): number {
  return seconds + (since === null ? 0 : secondsBetween(since, now));
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
