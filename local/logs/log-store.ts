/**
 * Log groups as directories, streams as files, one event per line behind its time, so that `tail -f` and
 * CloudWatch Logs calls read the same.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** One log event. */
export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** A stream with the times of its first and last event. */
export interface LogStream {
  readonly name: string;
  readonly bytes: number;
  readonly created: number;
  readonly modified: number;
}

/** Marks the directory of a group, whose name may itself contain slashes. */
const marker = '.log-group';

/** A path for a group or stream name; parts that would leave the directory are defused. */
function safePath(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (/^\.+$/.test(part) ? `_${part}` : part.replaceAll('\0', '_')))
    .join('/');
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (!entry.isDirectory()) return entry.name === marker ? [] : [path];
    return existsSync(join(path, marker)) ? [] : filesBelow(path);
  });
}

/** Log groups and streams below one directory. */
export class LogStore {
  readonly #root: string;
  readonly #groups = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
    mkdirSync(root, { recursive: true });
    const find = (directory: string): void => {
      for (const entry of readdirSync(directory, { withFileTypes: true })) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) find(path);
        else if (entry.name === marker) this.#groups.set(readFileSync(path, 'utf8').trim(), directory);
      }
    };
    find(root);
  }

  /** Makes a group if it is not there. */
  ensureGroup(group: string): string {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    const directory = join(this.#root, safePath(group));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, marker), `${group}\n`);
    this.#groups.set(group, directory);
    return directory;
  }

  /** Appends whole lines to a stream, each an event of this moment. */
  append(group: string, stream: string, lines: readonly string[], time = Date.now()): void {
    if (lines.length === 0) return;
    const path = join(this.ensureGroup(group), safePath(stream));
    if (!existsSync(path)) mkdirSync(dirname(path), { recursive: true });
    const stamp = new Date(time).toISOString();
    appendFileSync(path, lines.map((line) => `${stamp} ${line.replaceAll('\r', '')}\n`).join(''));
  }

  /** Makes a stream without events; false when it is there already. */
  createStream(group: string, stream: string): boolean {
    const path = join(this.ensureGroup(group), safePath(stream));
    if (existsSync(path)) return false;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    return true;
  }

  /** Names of the groups, sorted. */
  groups(): string[] {
    return [...this.#groups.keys()].sort();
  }

  /** Streams of a group, by name; undefined when there is no such group. */
  streams(group: string): LogStream[] | undefined {
    const directory = this.#groups.get(group);
    if (directory === undefined) return undefined;
    return filesBelow(directory)
      .map((path) => {
        const facts = statSync(path);
        return {
          name: relative(directory, path),
          bytes: facts.size,
          created: Math.round(facts.birthtimeMs),
          modified: Math.round(facts.mtimeMs),
        };
      })
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Events of a stream, oldest first; undefined when there is no such stream. */
  events(group: string, stream: string): LogEvent[] | undefined {
    const directory = this.#groups.get(group);
    if (directory === undefined) return undefined;
    const path = join(directory, safePath(stream));
    if (!existsSync(path) || !statSync(path).isFile()) return undefined;
    const events: { timestamp: number; message: string }[] = [];
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.*)$/.exec(line);
      if (match?.[1] !== undefined) events.push({ timestamp: Date.parse(match[1]), message: match[2] ?? '' });
    }
    return events;
  }
}

/** Cuts a stream of text into whole lines; what follows the last line end waits for its rest. */
export class LineCutter {
  readonly #emit: (lines: string[]) => void;
  #rest = '';

  constructor(emit: (lines: string[]) => void) {
    this.#emit = emit;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (lines.length > 0) this.#emit(lines);
  }

  /** Emits what is left without a line end. */
  end(): void {
    if (this.#rest !== '') this.#emit([this.#rest]);
    this.#rest = '';
  }
}
