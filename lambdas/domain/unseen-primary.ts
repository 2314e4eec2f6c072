/**
 * A primary that the observer cannot ask although standbys receive from it. A former primary that has come back may be
 * the only node that answers as one: whoever believes it then acts on the wrong node, or beside the right one.
 */
import type { ClusterNode } from '../contract/cluster-config.ts';
import { type Answered, follows, receives, type Silent, type Survey } from './survey.ts';

export interface UnseenPrimary {
  readonly node: ClusterNode;
  readonly failure: Silent['failure'];
  /** Those that receive WAL from it now. */
  readonly standbys: readonly Answered[];
}

/** @param afterTimeline only standbys on a later timeline count: they have left the node that is on this one */
export function unseenPrimary(
  { cluster, answered, silent }: Pick<Survey, 'cluster' | 'answered' | 'silent'>,
  afterTimeline = 0,
): UnseenPrimary | null {
  const receiving = answered.filter(
    (standby) => standby.facts.inRecovery && standby.facts.timeline > afterTimeline && receives(standby),
  );
  for (const { node, failure } of silent) {
    const standbys = receiving.filter((standby) => follows(standby, cluster, node));
    if (standbys.length > 0) return { node, failure, standbys };
  }
  return null;
}
