/** Task tokens: the callbacks that `.waitForTaskToken` tasks wait for. */
import { randomBytes } from 'node:crypto';
import { AwsError } from '../protocols/aws-error.ts';
import { TaskFailure } from './task-failure.ts';

type Settle = { resolve(output: unknown): void; reject(error: TaskFailure): void };

/** Every token of this runtime, open or closed. */
export class TaskTokens {
  readonly #open = new Map<string, Settle>();
  readonly #closed = new Set<string>();
  /** ARN of the state machine of each token's task. */
  readonly #machines = new Map<string, string>();

  /** A new token for a task of a state machine, and the promise of its result. */
  create(stateMachineArn: string): { token: string; result: Promise<unknown> } {
    const token = `AQCkAAAAKgAAAAMAAAAAAAAAAQ${randomBytes(96).toString('base64url')}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#open.set(token, { resolve, reject });
    this.#machines.set(token, stateMachineArn);
    // The task may be over before anybody waits for its token.
    promise.catch(() => {});
    return { token, result: promise };
  }

  /** ARN of the state machine whose task was given the token; undefined for a token that never was. */
  machineOf(token: string): string | undefined {
    return this.#machines.get(token);
  }

  /** The task is over: who answers with its token is told so. */
  close(token: string): void {
    if (this.#open.delete(token)) this.#closed.add(token);
  }

  /** Completes the task that holds the token. */
  succeed(token: string, output: unknown): void {
    this.#take(token).resolve(output);
  }

  /** Fails the task that holds the token. */
  fail(token: string, error: string, cause: string): void {
    this.#take(token).reject(new TaskFailure(error, cause));
  }

  /** The task still waits; its heartbeat is not supervised, since definitions with heartbeats are refused. */
  check(token: string): void {
    if (!this.#open.has(token)) throw this.#gone(token);
  }

  #take(token: string): Settle {
    const settle = this.#open.get(token);
    if (settle === undefined) throw this.#gone(token);
    this.close(token);
    return settle;
  }

  #gone(token: string): AwsError {
    if (!/^[A-Za-z0-9_-]{64,1024}$/.test(token)) return new AwsError('InvalidToken', 'Invalid Token: Invalid token');
    return this.#closed.has(token)
      ? new AwsError('TaskTimedOut', 'Task Timed Out: Provided task does not exist anymore')
      : new AwsError('TaskDoesNotExist', 'Task Does Not Exist: Provided task does not exist');
  }
}
