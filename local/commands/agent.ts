/** The SSM agent of one host: it takes commands, runs their documents and reports how they ended. */
import { appendFileSync, chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host, RunningScript, ScriptEnd } from '../hosts/host.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { Pace } from '../pace/pace.ts';
import {
  type Command,
  endOfScript,
  ends,
  hasEnded,
  type Invocation,
  type InvocationEnd,
  killedResponseCode,
} from './command.ts';
import { agentRefusal, substitute } from './documents.ts';
import { Tail } from './tail.ts';
import { Workers } from './workers.ts';

/** What the service hands to an agent. */
export interface Delivery {
  readonly command: Command;
  readonly invocation: Invocation;
  /** Of the document's parameters, defaults included. */
  readonly values: Readonly<Record<string, string>>;
}

/** What the agent tells the service. */
export interface AgentReports {
  /** The agent has the command. */
  taken(delivery: Delivery): void;
  /** Its script runs: the document's time counts from now. */
  running(delivery: Delivery): void;
  ended(delivery: Delivery, end: InvocationEnd): void;
}

/** Whether the role of an instance lets the agent upload output to a log group. */
export type MayUpload = (instanceId: string, logGroup: string) => Promise<boolean>;

export interface AgentOptions {
  readonly logs: LogStore;
  /** Where AWS is. */
  readonly endpoint: () => string;
  readonly mayUpload: MayUpload;
  readonly pace: Pace;
}

/** A command that the agent has, and whose end it has not reported. */
interface Task {
  readonly delivery: Delivery;
  /** Undefined until a worker is free. */
  script: RunningScript | undefined;
  cancelled: boolean;
  timedOut: boolean;
}

/** How often a running script's output is looked at for the log. */
const tailMilliseconds = 200;

/** How soon after a boot the agent reports what it finds interrupted, at this machine's own pace. */
const interruptedMilliseconds = 500;

/** An end as Go words it. */
function inWords({ code, signal }: ScriptEnd): string {
  if (code !== null) return `exit status ${code}`;
  return `signal: ${signal === 'SIGKILL' ? 'killed' : signal === 'SIGTERM' ? 'terminated' : signal}`;
}

export class Agent {
  readonly #host: Host;
  readonly #reports: AgentReports;
  readonly #logs: LogStore;
  readonly #endpoint: () => string;
  readonly #mayUpload: MayUpload;
  readonly #pace: Pace;
  readonly #tasks = new Map<Invocation, Task>();
  /** What it does when it reaches AWS again. */
  #waiting: (() => void)[] = [];
  #workers = new Workers();

  constructor(host: Host, reports: AgentReports, { logs, endpoint, mayUpload, pace }: AgentOptions) {
    this.#host = host;
    this.#reports = reports;
    this.#logs = logs;
    this.#endpoint = endpoint;
    this.#mayUpload = mayUpload;
    this.#pace = pace;
  }

  /** Whether the service reaches it. */
  get isOnline(): boolean {
    return this.#host.agentOnline;
  }

  /** Whether it runs and does not reach AWS. */
  get isCutOff(): boolean {
    return this.#host.agentLink.isCut;
  }

  /** Runs a command as soon as a worker is free; refuses what the agent's own checks refuse. */
  take(delivery: Delivery): void {
    const { command, invocation, values } = delivery;
    const directory = dirname(invocation.stdoutPath);
    const script = join(directory, '_script.sh');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const refusal = agentRefusal(command.document, values);
    if (refusal !== undefined) {
      // The agent tells AWS that the command has failed, and its own log why.
      writeFileSync(join(directory, 'agent.log'), `${refusal}\n`);
      this.#reports.ended(delivery, ends.refused);
      return;
    }
    writeFileSync(script, `${command.document.lines.map((line) => substitute(line, values)).join('\n')}\n`);
    chmodSync(script, 0o700);
    const task: Task = { delivery, script: undefined, cancelled: false, timedOut: false };
    this.#tasks.set(invocation, task);
    this.#reports.taken(delivery);
    void this.#start(task, script);
  }

  /** Whether the script of an invocation runs, as far as the agent has reported. */
  isRunning(invocation: Invocation): boolean {
    return this.#tasks.get(invocation)?.script !== undefined;
  }

  /** Kills the script of an invocation, as soon as it hears of it. */
  cancel(invocation: Invocation): void {
    const task = this.#tasks.get(invocation);
    const kill = () => {
      if (task === undefined) return;
      task.cancelled = true;
      task.script?.kill();
    };
    if (this.isCutOff) void this.#reached().then(kill);
    else kill();
  }

  /** Kills the script of an invocation whose time is up. */
  timeOut(invocation: Invocation): void {
    const task = this.#tasks.get(invocation);
    if (task === undefined) return;
    task.timedOut = true;
    task.script?.kill();
  }

  /** The service has the end of an invocation. */
  forget(invocation: Invocation): void {
    this.#tasks.delete(invocation);
  }

  /** It may reach AWS again, or is no more: what waits for that goes on. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
  }

  /** Its host is up again: it reports what the power cut interrupted, though not soon. */
  booted(): void {
    const interrupted = [...this.#tasks.values()];
    const delay = Math.max(interruptedMilliseconds, this.#pace.milliseconds('interruptedReport'));
    // Nothing that waited for a worker before is started now.
    const workers = new Workers();
    this.#workers = workers;
    setTimeout(async () => {
      await this.#reachable();
      // The next boot reports it when there was another power cut meanwhile.
      if (!this.#host.hasPower || this.#workers !== workers) return;
      for (const { delivery } of interrupted) {
        const { invocation } = delivery;
        if (hasEnded(invocation)) continue;
        // What it had printed is lost.
        for (const path of [invocation.stdoutPath, invocation.stderrPath]) writeFileSync(path, '');
        this.#reports.ended(delivery, ends.broken);
      }
    }, delay).unref();
  }

  /** A worker takes the command as soon as one is free; until then SSM shows it as in progress, too. */
  async #start(task: Task, script: string): Promise<void> {
    const workers = this.#workers;
    await workers.take();
    await this.#pace.wait('commandStart');
    // Without power, or cancelled meanwhile, it never starts.
    const { invocation } = task.delivery;
    const starts = invocation.status === 'InProgress' && this.#host.hasPower && this.#workers === workers;
    try {
      if (starts) await this.#run(task, script);
    } finally {
      workers.release();
    }
  }

  /** The script runs until it ends, or its time is up. */
  async #run(task: Task, path: string): Promise<void> {
    const { command, invocation } = task.delivery;
    const { stdoutPath, stderrPath } = invocation;
    let script: RunningScript;
    try {
      script = this.#host.run({
        path,
        stdoutPath,
        stderrPath,
        environment: {
          AWS_SSM_INSTANCE_ID: invocation.instanceId,
          AWS_SSM_REGION_NAME: command.region,
          AWS_SSM_PLATFORM_NAME: 'Linux',
          AWS_SSM_PLATFORM_VERSION: release(),
          SSM_COMMAND_ID: command.id,
          // The one thing that no agent tells: where AWS is.
          AWS_ENDPOINT_URL: this.#endpoint(),
        },
      });
    } catch (error) {
      writeFileSync(stderrPath, `The agent could not start the script: ${(error as Error).message}\n`);
      this.#reports.ended(task.delivery, ends.broken);
      return;
    }
    task.script = script;
    this.#reports.running(task.delivery);
    await this.#supervise(task, script);
  }

  async #supervise(task: Task, script: RunningScript): Promise<void> {
    const { delivery } = task;
    const { invocation } = delivery;
    const { logGroup } = delivery.command;
    const mayUpload =
      logGroup === undefined ? Promise.resolve(false) : this.#mayUpload(invocation.instanceId, logGroup);
    const tails = logGroup === undefined ? [] : this.#tails(delivery, logGroup, mayUpload);
    const ticker = setInterval(() => {
      if (this.isCutOff) return;
      for (const tail of tails) tail.read();
    }, tailMilliseconds);
    ticker.unref();
    const end = await script.ended;
    clearInterval(ticker);
    const isOver = task.cancelled || task.timedOut || end.code === killedResponseCode;
    if (!isOver && end.code !== 0 && this.#host.hasPower)
      appendFileSync(invocation.stderrPath, `failed to run commands: ${inWords(end)}`);
    // An agent that is cut off reports when it can.
    await this.#reachable();
    for (const tail of tails) tail.end();
    await mayUpload;
    if (logGroup !== undefined) await this.#pace.wait('outputUpload');
    await this.#pace.wait('commandReport');
    // Without power the agent reports nothing: the command stays in progress until the host is back or time is up.
    if (!this.#host.hasPower || !this.#tasks.has(invocation)) return;
    if (task.cancelled) this.#reports.ended(delivery, ends.cancelled);
    else if (task.timedOut) this.#reports.ended(delivery, ends.timedOut);
    // Go has -1 for a process that a signal has ended.
    else this.#reports.ended(delivery, endOfScript(end.code ?? -1));
  }

  /** Copies a script's output into the log, under the stream names of the agent. */
  #tails({ command, invocation }: Delivery, logGroup: string, mayUpload: Promise<boolean>): Tail[] {
    const step = command.document.stepName.replace(/[:*]/g, '-');
    const outputs = [
      ['stdout', invocation.stdoutPath],
      ['stderr', invocation.stderrPath],
    ] as const;
    return outputs.map(([name, path]) => {
      const stream = `${command.id}/${invocation.instanceId}/${step}/${name}`;
      return new Tail(path, async (lines) => {
        if (await mayUpload) this.#logs.append(logGroup, stream, lines);
      });
    });
  }

  /** Resolves when an agent that has power reaches AWS, or has no power any more. */
  async #reachable(): Promise<void> {
    if (this.#host.hasPower && this.isCutOff) await this.#reached();
  }

  /** Resolves when the agent is woken. */
  #reached(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
