/** What the state of a cluster means for whoever reads and writes: two or three sentences. */
import type { Evidence, Finding, Status } from '../contract/health.ts';
import { counted, list } from './quantities.ts';

interface Situation {
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
}

const meanings: Readonly<Record<Status, (situation: Situation) => string>> = {
  healthy: ({ evidence }) => `Writes go on. ${durability(evidence)}`,
  degraded: ({ findings, evidence }) => {
    const risk = findings.some(({ kind }) => kind === 'DurabilityRisk')
      ? ' Some commits that are visible may exist on the primary only.'
      : '';
    return `Reads and writes go on. ${durability(evidence)}${risk}`;
  },
  unknown: ({ findings }) =>
    findings.some(({ kind }) => kind === 'ClusterNotSetUp')
      ? 'There is no synchronous replication yet: nothing is protected.'
      : 'Whether writes go on cannot be seen from here. Nothing says that they do not; look before acting.',
  'writes-blocked': ({ evidence }) =>
    `Reads work. Every commit waits${evidence.blocked.count > 0 ? ` (${counted(evidence.blocked.count, 'session')} now)` : ''}; none fails, and none is lost. They return as soon as enough standbys confirm them.`,
  'primary-down': () =>
    'No writes, and reads only on standbys. Commits that were acknowledged are on the synchronous standby.',
  'split-brain': () =>
    'Two nodes accept writes. Each write to one of them is missing on the other, and one side will be lost.',
};

/** Who confirms commits, and how many standbys can still be lost before writes block. */
function durability({ synchronous }: Evidence): string {
  if (synchronous === null)
    return 'Commits are NOT confirmed by a standby: if the primary is lost, the newest are lost with it.';
  const spare = synchronous.candidates.length - synchronous.required;
  const margin =
    spare > 0
      ? `${counted(spare, 'more standby')} can be lost before writes block`
      : 'if one more standby is lost, writes block';
  return `Every commit is confirmed by ${list(synchronous.standbys)}; ${margin}.`;
}

export function meaningOf(status: Status, situation: Situation): string {
  return meanings[status](situation);
}
