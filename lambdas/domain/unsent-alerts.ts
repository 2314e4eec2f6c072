import type { AlertEvent } from '../contract/alerts.ts';

/** How long a check may take to send what it has decided; afterwards another one sends it. */
const sendingSeconds = 60;

/** Alerts that were decided so long ago that whoever decided them must have died before they were sent. */
export function overdue<T extends { readonly decidedAt: string }>(unsent: readonly T[], now: Date): T[] {
  return unsent.filter(({ decidedAt }) => now.getTime() - Date.parse(decidedAt) > sendingSeconds * 1000);
}

/** A name for an alert: of one incident, no two of a kind are decided at the same moment. */
export function alertId({ incident, kind, at }: AlertEvent): string {
  return `${incident}/${kind}/${at}`;
}
