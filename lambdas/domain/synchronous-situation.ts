/** What the rule in force on the primary asks for, and who fulfils it. */
import type { NodeFacts, ReplicationRow } from '../contract/observation.ts';
import { readSynchronousStandbyNames, type SynchronousRule } from './synchronous-standby-names.ts';

export interface SynchronousSituation {
  readonly rule: SynchronousRule;
  /** Standbys that PostgreSQL can count: named by the rule, streaming, and with a known flush position. */
  readonly candidates: readonly ReplicationRow[];
  /** Those that commits wait for now. */
  readonly confirming: readonly ReplicationRow[];
}

/** Levels of synchronous_commit that wait for no standby. */
export const localCommitLevels: ReadonlySet<string> = new Set(['off', 'local']);

/** The rule on the primary; null without one, and for a text that PostgreSQL would not have accepted. */
export function ruleInForce(primary: NodeFacts): SynchronousRule | null {
  return readSynchronousStandbyNames(primary.synchronousStandbyNames);
}

/** The situation on the primary; null when commits wait for no standby at all. */
export function synchronousSituation(primary: NodeFacts): SynchronousSituation | null {
  const rule = ruleInForce(primary);
  if (rule === null || localCommitLevels.has(primary.synchronousCommit)) return null;
  const candidates = primary.replication.filter(
    ({ state, syncPriority, flushLsn }) => state === 'streaming' && syncPriority > 0 && flushLsn !== null,
  );
  const confirming = candidates.filter(({ syncState }) => syncState === 'sync' || syncState === 'quorum');
  return { rule, candidates, confirming };
}
