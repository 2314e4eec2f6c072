/** Times as a person in their own zone reads them. */
import type { Zone } from '../contract/widget.ts';

/** `2026-11-22 18:10:22`, in the zone's time. */
function local(time: Date | string, { offsetInMinutes }: Zone): string {
  const instant = typeof time === 'string' ? Date.parse(time) : time.getTime();
  return new Date(instant + offsetInMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}

/** `18:10:22 UTC`: for a moment that is hardly over. */
export function clockTime(time: Date | string, zone: Zone): string {
  return `${local(time, zone).slice(11)} ${zone.label}`;
}

/** `18:10 UTC` of the same day, else `2026-11-21 18:10 UTC`. */
export function momentBefore(time: Date | string, now: Date, zone: Zone): string {
  const at = local(time, zone).slice(0, 16);
  const sameDay = at.slice(0, 10) === local(now, zone).slice(0, 10);
  return `${sameDay ? at.slice(11) : at} ${zone.label}`;
}
