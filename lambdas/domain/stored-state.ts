/**
 * Reads what another version of the checker wrote: an older one before an update, a newer one after it was taken back.
 * A check must never fail for it, for then nobody would watch.
 */
import type * as z from 'zod';
import {
  attemptSchema,
  type CheckerMemory,
  type CheckerState,
  checkerMemorySchema,
  checkerStateSchema,
  endedFindingSchema,
  type Incident,
  incidentSchema,
  maintenanceSchema,
  toldFindingSchema,
} from '../contract/health.ts';
import { emptyMemory } from './checker-memory.ts';

/**
 * Format of the items of the state table. It grows with a change that an older version would misread; what is only added
 * gets a default in the schema and leaves it as it is. Items without a format are of format 1.
 */
export const stateFormat = 1;

/** A state as it could be read. */
export interface RestoredState {
  readonly state: CheckerState;
  /** Parts that could not be read, by their paths. */
  readonly forgotten: string[];
}

/** Parts of the memory without which nobody knows whether commits are on the primary alone. */
const ofCommits: ReadonlySet<string> = new Set(
  (['durabilityRisk', 'suspension', 'waiting', 'primary', 'unread'] as const).map((name) => `memory.${name}`),
);

/** Parts without which nobody knows whether runbooks may start by themselves. */
const ofAutomation = /^(maintenance|memory\.held|automation\.attempts(\..*)?)$/;

/**
 * Keeps every part of a state that this version understands, each by itself. For what it does not understand, it takes
 * what errs on the safe side: an incident is told once more, commits may be on the primary alone (`memory.unread`), no
 * runbook starts by itself (`memory.held`), and a failover finds that nothing is known of the rule.
 */
export function restoreState(text: string | undefined): RestoredState {
  const reader = new Reader();
  const stored = reader.object(json(text), 'state');
  const automation = reader.object(stored.automation, 'automation');
  const incident = incidentOf(reader, stored.incident);
  const attempts = reader.entries(attemptSchema, automation.attempts, 'automation.attempts');
  const state = {
    updatedAt: reader.value(checkerStateSchema.shape.updatedAt, stored.updatedAt, 'updatedAt', null),
    pending: reader.entries(checkerStateSchema.shape.pending.valueType, stored.pending, 'pending'),
    incident: incident ?? null,
    ended: reader.entries(endedFindingSchema, stored.ended, 'ended'),
    maintenance: reader.value(maintenanceSchema.nullable(), stored.maintenance, 'maintenance', null),
    automation: {
      seen: reader.entries(checkerStateSchema.shape.pending.valueType, automation.seen, 'automation.seen'),
      // They are kept as long as their incident lasts: without it their time begins anew.
      attempts: incident === undefined ? mapped(attempts, (each) => ({ ...each, goneSince: null })) : attempts,
    },
    memory: memoryOf(reader, stored.memory),
  };
  const { forgotten } = reader;
  return { state: { ...state, memory: careful(state.memory, forgotten) }, forgotten };
}

function memoryOf(reader: Reader, stored: unknown): CheckerMemory {
  const found = reader.object(stored, 'memory');
  const parts = Object.entries(checkerMemorySchema.shape).map(([name, schema]) => [
    name,
    reader.value<unknown>(schema, found[name], `memory.${name}`, emptyMemory[name as keyof CheckerMemory]),
  ]);
  return Object.fromEntries(parts) as CheckerMemory;
}

/** Undefined when it cannot be read. What it has told is read finding by finding: another version may know more kinds. */
function incidentOf(reader: Reader, stored: unknown): Incident | null | undefined {
  const frame = reader.value(incidentSchema.omit({ told: true }).nullable(), stored, 'incident', undefined);
  if (frame === undefined || frame === null) return frame;
  return { ...frame, told: reader.entries(toldFindingSchema, (stored as { told?: unknown }).told, 'incident.told') };
}

/** The memory with what has to be assumed of the parts that could not be read. */
function careful(memory: CheckerMemory, forgotten: readonly string[]): CheckerMemory {
  const parts = forgotten.filter((path) => ofCommits.has(path));
  const held = forgotten.filter((path) => ofAutomation.test(path));
  return {
    ...memory,
    // A primary is remembered only of a cluster that has been set up.
    setUp: memory.setUp || (forgotten.includes('memory.setUp') && memory.primary !== null),
    unread:
      parts.length === 0
        ? memory.unread
        : { parts: [...new Set([...(memory.unread?.parts ?? []), ...parts])], node: null, lsn: null },
    held: held.length === 0 ? memory.held : [...new Set([...memory.held, ...held])],
  };
}

/** Reads part after part, and notes the paths of those that cannot be read. */
class Reader {
  readonly forgotten: string[] = [];

  /** The value, or `otherwise` when it is not what the schema asks for. */
  value<T>(schema: z.ZodType<T>, stored: unknown, path: string, otherwise: T): T;
  value<T>(schema: z.ZodType<T>, stored: unknown, path: string, otherwise: undefined): T | undefined;
  value<T>(schema: z.ZodType<T>, stored: unknown, path: string, otherwise: T | undefined): T | undefined {
    const result = schema.safeParse(stored);
    if (result.success) return result.data;
    this.forgotten.push(path);
    return otherwise;
  }

  /** An object, whatever its fields; an empty one in the place of anything else. */
  object(stored: unknown, path: string): Readonly<Record<string, unknown>> {
    if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) {
      return stored as Record<string, unknown>;
    }
    this.forgotten.push(path);
    return {};
  }

  /** The entries of a record that can be read. */
  entries<T>(schema: z.ZodType<T>, stored: unknown, path: string): Record<string, T> {
    const read = Object.entries(this.object(stored, path)).flatMap(([key, value]): [string, T][] => {
      const found = this.value(schema, value, `${path}.${key}`, undefined);
      return found === undefined ? [] : [[key, found]];
    });
    return Object.fromEntries(read);
  }
}

function mapped<T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
