/** Executions on disk: one JSON file each, and one line per event of its history. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryEvent } from './history.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** What DescribeExecution answers. */
export interface ExecutionRecord {
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  readonly startDate: Date;
  readonly stopDate?: Date;
  readonly input: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

const withDates = (key: string, value: unknown): unknown =>
  typeof value === 'string' && /^(?:startDate|stopDate|timestamp)$/.test(key) ? new Date(value) : value;

/** Executions below one directory. */
export class ExecutionStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  #path(executionArn: string, ending: string): string {
    const [machine, name] = executionArn.split(':').slice(-2);
    return join(this.#directory, `${machine}`, `${name}.${ending}`);
  }

  /** Every execution of earlier runs; one that still ran was interrupted by the end of the runtime. */
  load(): ExecutionRecord[] {
    return readdirSync(this.#directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((machine) =>
        readdirSync(join(this.#directory, machine.name))
          .filter((file) => file.endsWith('.json'))
          .map((file) => readFileSync(join(this.#directory, machine.name, file), 'utf8')),
      )
      .map((text) => JSON.parse(text, withDates) as ExecutionRecord);
  }

  /** Writes an execution; a reader never sees half of it. */
  save(record: ExecutionRecord): void {
    const path = this.#path(record.executionArn, 'json');
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(`${path}.new`, `${JSON.stringify(record, undefined, 2)}\n`);
    renameSync(`${path}.new`, path);
  }

  /** Adds an event to an execution's history. */
  append(executionArn: string, event: HistoryEvent): void {
    appendFileSync(this.#path(executionArn, 'history.jsonl'), `${JSON.stringify(event)}\n`);
  }

  /** History of an execution; a last line cut off by a crash is left out. */
  history(executionArn: string): HistoryEvent[] {
    const path = this.#path(executionArn, 'history.jsonl');
    if (!existsSync(path)) return [];
    return readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line, withDates) as HistoryEvent);
  }
}
