/** Judges an observation: facts and what is remembered in, a status with its findings out. */
import type { AllowanceOnRecord } from '../contract/allowance.ts';
import type { Cluster } from '../contract/cluster-config.ts';
import {
  type CheckerMemory,
  type Finding,
  findingKinds,
  type Health,
  type Status,
  severities,
  statuses,
} from '../contract/health.ts';
import type { Observation } from '../contract/observation.ts';
import { automationFindings } from './automation-findings.ts';
import { isSetUp, remember } from './checker-memory.ts';
import { driftFindings } from './drift.ts';
import { evidenceOf } from './evidence.ts';
import { finding, findingPolicies } from './finding-policy.ts';
import { primaryFindings } from './primary-findings.ts';
import { list } from './quantities.ts';
import { slotFindings } from './slot-findings.ts';
import { standbyFindings } from './standby-findings.ts';
import { type Survey, survey } from './survey.ts';
import { synchronousFindings } from './synchronous-findings.ts';

export function assess(
  cluster: Cluster,
  observation: Observation,
  memory: CheckerMemory,
  now: Date,
  allowance: AllowanceOnRecord = null,
): Health {
  const seen = survey(cluster, observation, memory, now, allowance);
  const remembered = remember(seen);
  const current = { ...seen, memory: { ...remembered, waiting: memory.waiting } };
  const findings = isSetUp(seen) ? allFindings(current) : [notSetUp(seen)];
  return {
    status: worstStatus(findings),
    findings: findings.toSorted(worstFirst),
    evidence: evidenceOf(seen),
    memory: remembered,
  };
}

function allFindings(seen: Survey): Finding[] {
  // With two primaries every judgement about standbys depends on which of them one asks.
  if (seen.primaries.length > 1) return primaryFindings(seen);
  return [
    primaryFindings,
    synchronousFindings,
    standbyFindings,
    slotFindings,
    driftFindings,
    automationFindings,
  ].flatMap((find) => find(seen));
}

/** One finding, whatever else is missing: before setup everything is. */
function notSetUp({ primaries, silent }: Survey): Finding {
  const primary = primaries.map(({ node }) => node.name);
  const unseen = silent.map(({ node, failure }) => `${node.name} (${failure.kind})`);
  return finding('ClusterNotSetUp', null, {
    title: 'not set up yet',
    message:
      primary.length > 0
        ? `${list(primary)} accepts writes without synchronous standbys, and the cluster has never been seen with any.`
        : `No node has ever answered: ${list(unseen)}.`,
  });
}

function worstStatus(findings: readonly Finding[]): Status {
  const ranks = findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ kind }) => statuses.indexOf(findingPolicies[kind].status));
  return statuses[Math.max(0, ...ranks)] ?? 'unknown';
}

/** By severity, then in the order of their kinds; the order of the nodes stays. */
function worstFirst(a: Finding, b: Finding): number {
  return (
    severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
    findingKinds.indexOf(a.kind) - findingKinds.indexOf(b.kind)
  );
}
