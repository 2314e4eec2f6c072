/**
 * Turns the library's events into the history that GetExecutionHistory shows: AWS's event types, ids, the id of the
 * event before in the same branch, and details under AWS's names.
 */
import type { StateFacts } from './definition.ts';

/** An event of an execution's history, as AWS answers it. */
export interface HistoryEvent {
  readonly timestamp: Date;
  readonly type: string;
  readonly id: number;
  readonly previousEventId: number;
  readonly [details: `${string}Details`]: unknown;
}

/** What the library logs; nested events carry the index of the outermost Map. */
export interface LibraryEvent {
  readonly type: string;
  readonly timestamp: number;
  readonly state?: {
    readonly name: string;
    readonly type: string;
    readonly input?: unknown;
    readonly output?: unknown;
  };
  readonly index?: number;
  readonly parentState?: { readonly name: string; readonly input?: unknown };
  readonly Error?: string;
}

/** JSON text with AWS's note that nothing was cut off. */
export function data(value: unknown): { text: string; details: { truncated: false } } {
  return { text: JSON.stringify(value) ?? 'null', details: { truncated: false } };
}

/** Follows a path such as `$.nodes` or `$$.Run.Input.nodes` without wildcards. */
function simplePath(path: string, value: unknown): unknown {
  let at = value;
  for (const part of path.split('.').slice(1)) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined;
  }
  return at;
}

const details = (type: string): `${string}Details` => `${type[0]?.toLowerCase()}${type.slice(1)}EventDetails`;

/** One stay in a state: from its entry to its exit, with every attempt of its task in between. */
export class Visit {
  readonly state: StateFacts;
  readonly branch: string;
  readonly enclosing: readonly string[];
  lastId = 0;
  /** Name under which the running attempt is recorded (`Task`, `LambdaFunction`), while there is one. */
  attempt: { readonly prefix: string; readonly details: object } | undefined;
  caught = false;
  #closers: (() => void)[] = [];
  #closed = false;

  /** What the state was entered with. */
  readonly input: unknown;

  constructor(state: StateFacts, branch: string, enclosing: readonly string[], input: unknown) {
    this.state = state;
    this.branch = branch;
    this.enclosing = enclosing;
    this.input = input;
  }

  /** The attempt is over for the execution (timeout, abort, failure of a sibling): whatever comes is too late. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Calls back when the visit's attempt is over before it came to its own end. */
  onClose(callback: () => void): void {
    if (this.#closed) callback();
    else this.#closers.push(callback);
  }

  /** Ends the attempt under way. */
  close(): void {
    this.#closed = true;
    this.attempt = undefined;
    for (const callback of this.#closers.splice(0)) callback();
  }

  /** A retry begins. */
  reopen(): void {
    this.#closed = false;
  }
}

/** Records one execution. */
export class HistoryRecorder {
  readonly events: HistoryEvent[] = [];
  readonly #states: ReadonlyMap<string, StateFacts>;
  readonly #onEvent: (event: HistoryEvent) => void;
  #queue: LibraryEvent[] = [];
  #scheduled = false;
  #finished = false;
  /** Last event id of each branch; the execution itself is the branch ''. */
  readonly #lastIds = new Map<string, number>([['', 0]]);
  readonly #visits: Visit[] = [];
  /** Visits whose task has not started yet, by state, in order of entry. */
  readonly #unclaimed = new Map<string, Visit[]>();
  /** Iterations that have begun and not ended, by the visit of their Map. */
  readonly #iterations = new Map<Visit, Set<number>>();

  constructor(states: ReadonlyMap<string, StateFacts>, onEvent: (event: HistoryEvent) => void) {
    this.#states = states;
    this.#onEvent = onEvent;
  }

  /** Takes an event of the library. */
  push(event: LibraryEvent): void {
    this.#queue.push(event);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // Nested events arrive some microtasks late: those of one moment are put in order together.
    setImmediate(() => this.flush());
  }

  /** Records everything that has arrived. */
  flush(): void {
    this.#scheduled = false;
    while (this.#queue.length > 0) {
      const event = this.#queue.shift() as LibraryEvent;
      if (event.state !== undefined && /^State(?:Exited|Failed)$/.test(event.type)) this.#insideFirst(event.state.name);
      this.#record(event);
    }
  }

  /** Records what happened inside a Map or Parallel before its own end, which the library may log earlier. */
  #insideFirst(name: string): void {
    if (!/^(?:Map|Parallel)$/.test(this.#states.get(name)?.type ?? '')) return;
    const isInside = (event: LibraryEvent) =>
      event.parentState?.name === name ||
      (event.state !== undefined &&
        this.#states.get(event.state.name)?.ancestors.some((ancestor) => ancestor.name === name) === true);
    const inside = this.#queue.filter(isInside);
    this.#queue = this.#queue.filter((event) => !isInside(event));
    for (const event of inside) this.#record(event);
  }

  /** The visit whose task begins: the oldest entry into this state that has not been taken. */
  claim(name: string): Visit | undefined {
    this.flush();
    return this.#unclaimed.get(name)?.shift();
  }

  /** Adds an event to the branch of a visit. */
  add(visit: Visit, type: string, more: object, timestamp = Date.now()): number {
    // What has nothing to tell has no details: some types of events do not know any.
    const told = Object.keys(more).length === 0 ? {} : { [details(type)]: more };
    const id = this.#append(type, timestamp, visit.lastId, told);
    visit.lastId = id;
    this.#lastIds.set(visit.branch, id);
    return id;
  }

  /** Adds the last event; nothing is recorded after it. */
  finish(type: string, more: object): void {
    this.flush();
    for (const visit of [...this.#visits]) visit.close();
    this.#append(type, Date.now(), this.#lastIds.get('') ?? 0, { [details(type)]: more });
    this.#finished = true;
  }

  /** Records the beginning. */
  start(input: unknown, roleArn: string): void {
    const { text, details: inputDetails } = data(input);
    const id = this.#append('ExecutionStarted', Date.now(), 0, {
      executionStartedEventDetails: { input: text, inputDetails, roleArn },
    });
    this.#lastIds.set('', id);
  }

  #append(type: string, time: number, previousEventId: number, more: object): number {
    if (this.#finished) return 0;
    const last = this.events.at(-1);
    const timestamp = new Date(Math.max(time, last?.timestamp.getTime() ?? 0));
    const event = { timestamp, type, id: (last?.id ?? 0) + 1, previousEventId, ...more } as HistoryEvent;
    this.events.push(event);
    this.#onEvent(event);
    return event.id;
  }

  /** Names of the branches around a state, from the outermost to its own. */
  #branches(state: StateFacts, index: number | undefined): string[] {
    const names: string[] = [];
    let name = '';
    for (const ancestor of state.ancestors) {
      name += ancestor.type === 'Map' ? `${ancestor.name}[${index ?? 0}];` : `${ancestor.name}/${ancestor.branch};`;
      names.push(name);
    }
    return names;
  }

  #find(name: string, index: number | undefined): Visit | undefined {
    const state = this.#states.get(name);
    if (state === undefined) return undefined;
    const branch = this.#branches(state, index).at(-1) ?? '';
    return this.#visits.find((visit) => visit.state.name === name && visit.branch === branch);
  }

  #record(event: LibraryEvent): void {
    const { state, index, timestamp } = event;
    if (event.type === 'MapIterationStarted') this.#iterationStarted(event);
    else if (event.type === 'MapIterationSucceeded' || event.type === 'MapIterationFailed') this.#iterationEnded(event);
    else if (state === undefined) return;
    else if (event.type === 'StateEntered') this.#entered(state.name, state.input, index, timestamp);
    else {
      const visit = this.#find(state.name, index);
      if (visit !== undefined) this.#recordVisit(visit, event, state);
    }
  }

  #recordVisit(visit: Visit, event: LibraryEvent, state: NonNullable<LibraryEvent['state']>): void {
    switch (event.type) {
      case 'StateExited':
        this.#exited(visit, state.output, event.timestamp);
        break;
      case 'StateFailed':
        this.#failed(visit, event);
        break;
      case 'StateRetried':
        visit.reopen();
        if (visit.state.type === 'Task') this.#unclaimed.get(state.name)?.push(visit);
        this.#begin(visit, state.input, event.timestamp);
        break;
      case 'StateCaught':
        visit.caught = true;
        break;
      default:
    }
  }

  #entered(name: string, input: unknown, index: number | undefined, timestamp: number): void {
    const state = this.#states.get(name);
    if (state === undefined) return;
    const branches = this.#branches(state, index);
    const branch = branches.at(-1) ?? '';
    // A state of an iteration whose Map has failed already: the library still starts it.
    if (branches.some((around) => !this.#lastIds.has(around))) return;
    const visit = new Visit(state, branch, branches, input);
    visit.lastId = this.#lastIds.get(branch) ?? 0;
    this.#visits.push(visit);
    const waiting = this.#unclaimed.get(name) ?? [];
    this.#unclaimed.set(name, waiting);
    if (state.type === 'Task') waiting.push(visit);
    const { text, details: inputDetails } = data(input);
    const id = this.#append(`${state.type}StateEntered`, timestamp, visit.lastId, {
      stateEnteredEventDetails: { name, input: text, inputDetails },
    });
    visit.lastId = id;
    this.#lastIds.set(branch, id);
    this.#begin(visit, input, timestamp);
  }

  /** A Map or Parallel starts its branches, at its entry and again at each retry. */
  #begin(visit: Visit, input: unknown, timestamp: number): void {
    const { name, type, definition } = visit.state;
    if (type === 'Map') {
      const path = typeof definition.ItemsPath === 'string' ? definition.ItemsPath : '$';
      const items = simplePath(path, input);
      this.add(visit, 'MapStateStarted', { length: Array.isArray(items) ? items.length : 0 }, timestamp);
      this.#iterations.set(visit, new Set());
    }
    if (type === 'Parallel') {
      const id = this.#append('ParallelStateStarted', timestamp, visit.lastId, {});
      visit.lastId = id;
      const branches = Array.isArray(definition.Branches) ? definition.Branches.length : 0;
      for (let branch = 0; branch < branches; branch++) {
        this.#lastIds.set(`${visit.branch}${name}/${branch};`, id);
      }
    }
  }

  #mapOf(event: LibraryEvent): Visit | undefined {
    const state = this.#states.get(event.parentState?.name ?? '');
    return this.#visits.findLast((visit) => visit.state === state && !visit.closed);
  }

  #iterationStarted(event: LibraryEvent): void {
    const map = this.#mapOf(event);
    if (map === undefined || event.index === undefined) return;
    const id = this.#append('MapIterationStarted', event.timestamp, map.lastId, {
      mapIterationStartedEventDetails: { name: map.state.name, index: event.index },
    });
    this.#lastIds.set(`${map.branch}${map.state.name}[${event.index}];`, id);
    this.#iterations.get(map)?.add(event.index);
  }

  #iterationEnded(event: LibraryEvent): void {
    const map = this.#mapOf(event);
    if (map !== undefined && event.index !== undefined)
      this.#endIteration(map, event.index, event.type, event.timestamp);
  }

  #endIteration(map: Visit, index: number, type: string, timestamp: number): void {
    if (this.#iterations.get(map)?.delete(index) !== true) return;
    const branch = `${map.branch}${map.state.name}[${index}];`;
    this.#append(type, timestamp, this.#lastIds.get(branch) ?? 0, {
      [details(type)]: { name: map.state.name, index },
    });
  }

  #exited(visit: Visit, output: unknown, timestamp: number): void {
    const { name, type } = visit.state;
    if (!visit.caught && (type === 'Map' || type === 'Parallel')) {
      // The library may lose the last events of nested branches that end at the same moment.
      for (const index of [...(this.#iterations.get(visit) ?? [])]) {
        this.#endIteration(visit, index, 'MapIterationSucceeded', timestamp);
      }
      visit.lastId = this.#append(`${type}StateSucceeded`, timestamp, this.events.at(-1)?.id ?? 0, {});
    }
    const { text, details: outputDetails } = data(output);
    const id = this.#append(`${type}StateExited`, timestamp, visit.lastId, {
      stateExitedEventDetails: { name, output: text, outputDetails },
    });
    this.#lastIds.set(visit.branch, id);
    this.#leave(visit);
  }

  #failed(visit: Visit, event: LibraryEvent): void {
    const { type, name } = visit.state;
    if (visit.attempt !== undefined && event.Error === 'States.Timeout') {
      this.add(
        visit,
        `${visit.attempt.prefix}TimedOut`,
        { ...visit.attempt.details, error: 'States.Timeout' },
        event.timestamp,
      );
    }
    if (type === 'Map' || type === 'Parallel') {
      for (const index of [...(this.#iterations.get(visit) ?? [])]) {
        this.#endIteration(visit, index, 'MapIterationAborted', event.timestamp);
      }
      const inside = (branch: string) => branch.startsWith(`${visit.branch}${name}`) && branch !== visit.branch;
      for (const nested of this.#visits.filter(({ branch }) => inside(branch))) this.#leave(nested);
      for (const branch of [...this.#lastIds.keys()].filter(inside)) this.#lastIds.delete(branch);
      visit.lastId = this.#append(`${type}StateFailed`, event.timestamp, this.events.at(-1)?.id ?? 0, {});
    }
    visit.close();
  }

  #leave(visit: Visit): void {
    visit.close();
    this.#iterations.delete(visit);
    const at = this.#visits.indexOf(visit);
    if (at >= 0) this.#visits.splice(at, 1);
    const waiting = this.#unclaimed.get(visit.state.name);
    const unclaimed = waiting?.indexOf(visit) ?? -1;
    if (unclaimed >= 0) waiting?.splice(unclaimed, 1);
  }
}
