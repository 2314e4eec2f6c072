/** Is the checker able to do by itself what the cluster's policy allows? */
import type { Finding } from '../contract/health.ts';
import { finding } from './finding-policy.ts';
import { list } from './quantities.ts';
import type { Survey } from './survey.ts';

/** Nothing starts by itself while nobody knows whether somebody works on the cluster, or how often it was tried. */
export function automationFindings({ memory: { held } }: Survey): Finding[] {
  if (held.length === 0) return [];
  return [
    finding('AutomationHeld', null, {
      title: 'no runbook starts by itself',
      message: `What the checker remembered cannot be read: ${list(held)}. Somebody may be at work on the cluster, or what is tried by itself may have been tried often enough. So no runbook starts by itself, until somebody says that it may.`,
    }),
  ];
}
