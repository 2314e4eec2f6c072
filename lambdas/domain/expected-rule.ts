/** The rule for commits that the configuration asks for. It depends on who the primary is, which is seen and not configured. */
import type { Cluster } from '../contract/cluster-config.ts';
import { renderSynchronousStandbyNames, type SynchronousRule } from './synchronous-standby-names.ts';

/** The rule that the cluster should have while `primary` is its primary: all others, in order of priority. */
export function expectedRule(cluster: Cluster, primary: string): SynchronousRule {
  const { method, count } = cluster.replication;
  return { method, count, names: cluster.nodes.map(({ name }) => name).filter((name) => name !== primary) };
}

/** The same as a value of `synchronous_standby_names`. */
export function expectedStandbyNames(cluster: Cluster, primary: string): string {
  return renderSynchronousStandbyNames(expectedRule(cluster, primary));
}

/** Whether two rules ask the same of commits. Order matters only where some of the named standbys are preferred. */
export function sameRule(a: SynchronousRule, b: SynchronousRule): boolean {
  const names = (rule: SynchronousRule) => rule.names.map((name) => name.toLowerCase());
  const sameNames = (inOrder: boolean) => {
    const [left, right] = inOrder ? [names(a), names(b)] : [names(a).toSorted(), names(b).toSorted()];
    return left.length === right.length && left.every((name, index) => name === right[index]);
  };
  const everyone = (rule: SynchronousRule) => rule.count >= rule.names.length;
  if (a.count !== b.count) return false;
  if (everyone(a) && everyone(b)) return sameNames(false);
  return a.method === b.method && sameNames(a.method === 'FIRST');
}
