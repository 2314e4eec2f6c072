/** Quantities and lists as people read them in an alert. */

const kilo = 1024;
const byteUnits = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `512 bytes`, `64 MB`, `1.5 GB`; units of 1024, as PostgreSQL counts. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= kilo && unit < byteUnits.length - 1) {
    value /= kilo;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${byteUnits[unit]}`;
}

/** `8 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`: the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    { unit: 'd', count: Math.floor(whole / 86_400) },
    { unit: 'h', count: Math.floor(whole / 3600) % 24 },
    { unit: 'min', count: Math.floor(whole / 60) % 60 },
    { unit: 's', count: whole % 60 },
  ];
  const first = parts.findIndex(({ count }) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(' ');
}

const plurals: Readonly<Record<string, string>> = { is: 'are', has: 'have', was: 'were', does: 'do' };

/** A verb in the third person, to go with so many: `waits` and `has` of one, `wait` and `have` of any other number. */
export function agreeing(count: number, verb: string): string {
  return count === 1 ? verb : (plurals[verb] ?? verb.replace(/s$/, ''));
}

/** `1 session`, `3 sessions`; with a verb `1 session waits`, `3 sessions wait`. */
export function counted(count: number, noun: string, verb?: string): string {
  const nouns = `${count} ${noun}${count === 1 ? '' : 's'}`;
  return verb === undefined ? nouns : `${nouns} ${agreeing(count, verb)}`;
}

/** `3 sessions wait, the oldest for 12 s`, `1 session waits, for 12 s`; `what` they wait for may be named. */
export function waitingSessions(count: number, oldestSeconds: number, what = ''): string {
  const who = `${counted(count, 'session', 'waits')}${what}`;
  if (Math.round(oldestSeconds) === 0) return who;
  return `${who}, ${count === 1 ? '' : 'the oldest '}for ${duration(oldestSeconds)}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** `a has`, `a and b have`; `none has` of an empty list. */
export function listed(items: readonly string[], verb: string): string {
  return items.length === 0 ? `none ${verb}` : `${list(items)} ${agreeing(items.length, verb)}`;
}

export function secondsBetween(from: Date | string, to: Date): number {
  const start = typeof from === 'string' ? Date.parse(from) : from.getTime();
  return Math.max(0, (to.getTime() - start) / 1000);
}

/** `2026-11-22 03:00:00 UTC` of an ISO 8601 time. */
export function utc(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}
