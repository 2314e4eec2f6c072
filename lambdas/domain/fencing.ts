/** How a former primary is fenced. */
import type { FencingPlan, HostSighting } from '../contract/promotions.ts';

/**
 * On its host as long as SSM reaches that: it takes a second, while EC2 needs up to minutes to stop an instance. A host
 * that is about to go, or whose state nobody knows, is not asked.
 */
export function planFencing(seen: HostSighting): FencingPlan {
  const runs = seen.state === null || seen.state === 'running';
  return { ...seen, method: runs && seen.agentOnline === true ? 'host' : 'instance' };
}
