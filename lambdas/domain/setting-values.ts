/** Values of settings, compared by what they mean: `8192MB` and 1048576 blocks of 8 kB are the same. */
import type { SettingFact } from '../contract/observation.ts';
import type { Setting } from '../contract/postgres-settings.ts';

/** What a unit counts in the smallest one of its kind; memory and time never meet in one setting. */
const unitFactors: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1024,
  MB: 1024 ** 2,
  GB: 1024 ** 3,
  TB: 1024 ** 4,
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const booleans: Readonly<Record<string, string>> = {
  on: 'on', true: 'on', yes: 'on', 1: 'on',
  off: 'off', false: 'off', no: 'off', 0: 'off',
}; // biome-ignore format: two rows

/** What one of a unit counts: `8kB` is 8192. */
function unitSize(unit: string): number | undefined {
  const match = /^(\d*)\s*([A-Za-z]*)$/.exec(unit);
  const factor = unitFactors[match?.[2] ?? '?'];
  return factor === undefined ? undefined : Number(match?.[1] || 1) * factor;
}

/** A number with or without a unit of its own, counted in the smallest unit; undefined for anything else. */
function quantity(value: string, ownUnit: string): number | undefined {
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(value);
  if (match === null) return undefined;
  const size = unitSize(match[2] || ownUnit);
  return size === undefined ? undefined : Number(match[1]) * size;
}

const meaning = (text: string): string => {
  const plain = text.trim().toLowerCase().replace(/\s+/g, '');
  return booleans[plain] ?? plain;
};

/** Whether the value that was found may stay where `expected` is asked for. */
export function satisfies(expected: Setting, found: Pick<SettingFact, 'setting' | 'unit'>): boolean {
  if (expected.rule === 'one-of') {
    return (expected.accepted ?? []).some((value) => meaning(value) === meaning(found.setting));
  }
  const unit = found.unit ?? '';
  const has = quantity(found.setting, unit);
  const wanted = quantity(expected.value, unit);
  if (has === undefined || wanted === undefined) {
    return expected.rule === 'equal' && meaning(found.setting) === meaning(expected.value);
  }
  return expected.rule === 'at-least' ? has >= wanted : has === wanted;
}

/** A value as `SHOW` would print it, near enough: the number with its unit. */
export function shown({ setting, unit }: Pick<SettingFact, 'setting' | 'unit'>): string {
  if (unit === null || unit === '') return setting === '' ? "''" : setting;
  return /^\d/.test(unit) ? `${setting} × ${unit}` : `${setting}${unit}`;
}
