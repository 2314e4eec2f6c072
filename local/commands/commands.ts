/** SSM Run Command: commands, their invocation on each instance, and the agent's part of running them. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, chmodSync, closeSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import type { Host, RunningScript, ScriptEnd } from '../hosts/host.ts';
import type { Hosts } from '../hosts/hosts.ts';
import { LineCutter, type LogStore } from '../logs/log-store.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import {
  agentRefusal,
  type CommandDocument,
  checkParameters,
  type Documents,
  executionTimeoutSeconds,
  substitute,
} from './documents.ts';
import { Workers } from './workers.ts';

export type InvocationStatus =
  | 'Pending'
  | 'InProgress'
  | 'Success'
  | 'Cancelled'
  | 'Failed'
  | 'TimedOut'
  | 'Cancelling';

/** What a command is asked for. */
export interface CommandRequest {
  readonly documentName: string;
  /** As it was asked for: `$DEFAULT`, `$LATEST`, or a number. */
  readonly documentVersion: string;
  readonly instanceIds: readonly string[];
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly comment: string;
  /** Delivery timeout. */
  readonly timeoutSeconds: number;
  readonly logGroup: string | undefined;
}

/** One instance's run of a command. */
export interface Invocation {
  readonly instanceId: string;
  readonly instanceName: string;
  status: InvocationStatus;
  /** More exact than the status: `DeliveryTimedOut`, `ExecutionTimedOut`. */
  statusDetails: string;
  responseCode: number;
  started: Date | undefined;
  ended: Date | undefined;
  readonly stdoutPath: string;
  readonly stderrPath: string;
}

/** A command as sent. */
export interface Command extends CommandRequest {
  readonly id: string;
  readonly document: CommandDocument;
  readonly requested: Date;
  /** After this an invocation that has not started never starts. */
  readonly expires: Date;
  readonly region: string;
  readonly invocations: readonly Invocation[];
}

/** Whether the role of an instance lets the agent upload output to a log group. */
export type MayUpload = (instanceId: string, logGroup: string) => Promise<boolean>;

/** Told when an invocation starts and when it ends. */
export type InvocationListener = (command: Command, invocation: Invocation) => void;

/** Statuses that do not change any more. */
const finalStatuses: readonly InvocationStatus[] = ['Success', 'Cancelled', 'Failed', 'TimedOut'];

/** How often a running script's output is looked at for the log. */
const tailMilliseconds = 200;

/** Exit code that the agent reports for a command that it has killed; a script that ends in it counts as timed out. */
const killedResponseCode = 137;

/** How soon after a boot the agent reports what it finds interrupted, at this machine's own pace. */
const interruptedMilliseconds = 500;

interface Agent {
  readonly script: RunningScript;
  cancelled: boolean;
  timedOut: boolean;
}

/** Copies what a growing file gains, line by line. */
class Tail {
  readonly #descriptor: number;
  readonly #lines: LineCutter;
  readonly #decoder = new StringDecoder('utf8');
  #offset = 0;

  constructor(path: string, emit: (lines: string[]) => void) {
    this.#descriptor = openSync(path, 'r');
    this.#lines = new LineCutter(emit);
  }

  read(): void {
    const size = fstatSync(this.#descriptor).size;
    while (this.#offset < size) {
      const buffer = Buffer.alloc(Math.min(size - this.#offset, 65_536));
      const count = readSync(this.#descriptor, buffer, 0, buffer.length, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      this.#lines.push(this.#decoder.write(buffer.subarray(0, count)));
    }
  }

  end(): void {
    this.read();
    this.#lines.push(this.#decoder.end());
    this.#lines.end();
    closeSync(this.#descriptor);
  }
}

/** An end as Go words it. */
function inWords({ code, signal }: ScriptEnd): string {
  if (code !== null) return `exit status ${code}`;
  return `signal: ${signal === 'SIGKILL' ? 'killed' : signal === 'SIGTERM' ? 'terminated' : signal}`;
}

function kill(agent: Agent): void {
  agent.cancelled = true;
  agent.script.kill();
}

/** All commands of this run of the runtime. */
export class Commands {
  readonly #commands = new Map<string, Command>();
  readonly #agents = new Map<Invocation, Agent>();
  readonly #timers = new Map<Invocation, NodeJS.Timeout>();
  /** What agents do when they reach AWS again. */
  readonly #waiting = new Map<Host, (() => void)[]>();
  readonly #workers = new Map<Host, Workers>();
  readonly #documents: Documents;
  readonly #hosts: Hosts;
  readonly #logs: LogStore;
  readonly #directory: string;
  readonly #endpoint: () => string;
  readonly #listener: InvocationListener;
  readonly #pace: Pace;
  readonly #mayUpload: MayUpload;

  constructor(options: {
    documents: Documents;
    hosts: Hosts;
    logs: LogStore;
    directory: string;
    endpoint: () => string;
    onStatus: InvocationListener;
    mayUpload: MayUpload;
    pace?: Pace;
  }) {
    this.#documents = options.documents;
    this.#hosts = options.hosts;
    this.#logs = options.logs;
    this.#directory = options.directory;
    this.#endpoint = options.endpoint;
    this.#listener = options.onStatus;
    this.#pace = options.pace ?? ownPace;
    this.#mayUpload = options.mayUpload;
    // Scripts hold parameters only, never secrets; still they are the agent's business alone.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const host of this.#hosts.list()) {
      host.onStateChange((state) => {
        this.#wake(host);
        if (state === 'running') this.#booted(host);
      });
      host.agentLink.onMended(() => {
        this.#wake(host);
        this.#takePending(host);
      });
    }
  }

  /** Sends a command; refuses what SSM would refuse. */
  send(request: CommandRequest, region: string): Command {
    const document = this.#documents.find(request.documentName, region, request.documentVersion);
    const values = checkParameters(document, request.parameters);
    const missing = request.instanceIds.filter((id) => {
      const host = this.#hosts.find(id, region);
      if (host === undefined || !this.#hosts.isManaged(host)) return true;
      return host.state === 'stopped' || host.state === 'stopping';
    });
    if (missing.length > 0) {
      throw new AwsError(
        'InvalidInstanceId',
        `Instances [[${missing.join(', ')}]] not in a valid state for account ${document.account}`,
      );
    }
    const id = randomUUID();
    const requested = new Date();
    const command: Command = {
      ...request,
      id,
      document,
      requested,
      expires: new Date(requested.getTime() + request.timeoutSeconds * 1000),
      region,
      invocations: [...new Set(request.instanceIds)].map((instanceId) => ({
        instanceId,
        instanceName: this.#hosts.find(instanceId, region)?.facts.name ?? '',
        status: 'Pending',
        statusDetails: 'Pending',
        responseCode: -1,
        started: undefined,
        ended: undefined,
        stdoutPath: join(this.#directory, id, instanceId, 'stdout'),
        stderrPath: join(this.#directory, id, instanceId, 'stderr'),
      })),
    };
    this.#commands.set(id, command);
    for (const invocation of command.invocations) {
      // SSM says so only when the execution would have had its time, too, although it starts nothing after `expires`.
      this.#after(invocation, request.timeoutSeconds + executionTimeoutSeconds(document, values), () =>
        this.#end(command, invocation, 'TimedOut', 'DeliveryTimedOut', -1),
      );
      // The answer to SendCommand must not depend on what the host does with the command.
      setImmediate(() => this.#pace.after('commandDelivery', () => this.#deliver(command, invocation, values)));
    }
    return command;
  }

  #after(invocation: Invocation, seconds: number, act: () => void): void {
    clearTimeout(this.#timers.get(invocation));
    const timer = setTimeout(act, seconds * 1000);
    timer.unref();
    this.#timers.set(invocation, timer);
  }

  /** The agent takes the command, if the host is up and the command still waits. */
  #deliver(command: Command, invocation: Invocation, values: Readonly<Record<string, string>>): void {
    const host = this.#hosts.find(invocation.instanceId, command.region);
    if (invocation.status !== 'Pending' || host?.agentOnline !== true || new Date() > command.expires) return;
    const { document } = command;
    const directory = join(this.#directory, command.id, invocation.instanceId);
    const script = join(directory, '_script.sh');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const refusal = agentRefusal(document, values);
    if (refusal !== undefined) {
      // The agent tells AWS that the command has failed, and its own log why.
      writeFileSync(join(directory, 'agent.log'), `${refusal}\n`);
      this.#end(command, invocation, 'Failed', 'Failed', -1);
      return;
    }
    writeFileSync(script, `${document.lines.map((line) => substitute(line, values)).join('\n')}\n`);
    chmodSync(script, 0o700);
    invocation.status = 'InProgress';
    invocation.statusDetails = 'InProgress';
    invocation.started = new Date();
    this.#listener(command, invocation);
    void this.#start(command, invocation, host, script, values);
  }

  /** A worker of the agent takes the command as soon as one is free; until then SSM shows it as in progress, too. */
  async #start(
    command: Command,
    invocation: Invocation,
    host: Host,
    script: string,
    values: Readonly<Record<string, string>>,
  ): Promise<void> {
    const workers = this.#workersOf(host);
    await workers.take();
    await this.#pace.wait('commandStart');
    // Without power, or cancelled meanwhile, it never starts.
    const starts = invocation.status === 'InProgress' && host.hasPower && this.#workers.get(host) === workers;
    try {
      if (starts) await this.#run(command, invocation, host, script, values);
    } finally {
      workers.release();
    }
  }

  #workersOf(host: Host): Workers {
    const workers = this.#workers.get(host) ?? new Workers();
    this.#workers.set(host, workers);
    return workers;
  }

  /** The script runs until it ends, or its time is up. */
  async #run(
    command: Command,
    invocation: Invocation,
    host: Host,
    script: string,
    values: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { document } = command;
    let running: RunningScript;
    try {
      running = host.run({
        path: script,
        stdoutPath: invocation.stdoutPath,
        stderrPath: invocation.stderrPath,
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
      writeFileSync(invocation.stderrPath, `The agent could not start the script: ${(error as Error).message}\n`);
      this.#end(command, invocation, 'Failed', 'Failed', 1);
      return;
    }
    const agent: Agent = { script: running, cancelled: false, timedOut: false };
    this.#agents.set(invocation, agent);
    this.#after(invocation, executionTimeoutSeconds(document, values), () => {
      agent.timedOut = true;
      // The power may have been cut: then nobody is left to report the end. Nor can an agent that is cut off.
      if (this.#agents.has(invocation)) running.kill();
      if (host.agentOnline && this.#agents.has(invocation)) return;
      this.#end(command, invocation, 'TimedOut', 'ExecutionTimedOut', killedResponseCode);
    });
    await this.#supervise(command, invocation, agent, host);
  }

  async #supervise(command: Command, invocation: Invocation, agent: Agent, host: Host): Promise<void> {
    const { logGroup, id } = command;
    const mayUpload = logGroup !== undefined && this.#mayUpload(invocation.instanceId, logGroup);
    const tails =
      logGroup === undefined
        ? []
        : (['stdout', 'stderr'] as const).map((name) => {
            const step = command.document.stepName.replace(/[:*]/g, '-');
            const stream = `${id}/${invocation.instanceId}/${step}/${name}`;
            const path = name === 'stdout' ? invocation.stdoutPath : invocation.stderrPath;
            return new Tail(path, async (lines) => {
              if (await mayUpload) this.#logs.append(logGroup, stream, lines);
            });
          });
    const ticker = setInterval(() => {
      if (host.agentLink.isCut) return;
      for (const tail of tails) tail.read();
    }, tailMilliseconds);
    ticker.unref();
    const end = await agent.script.ended;
    clearInterval(ticker);
    const isOver = agent.cancelled || agent.timedOut || end.code === killedResponseCode;
    if (!isOver && end.code !== 0 && host.hasPower)
      appendFileSync(invocation.stderrPath, `failed to run commands: ${inWords(end)}`);
    // An agent that is cut off reports when it can.
    if (host.hasPower && host.agentLink.isCut) await this.#reached(host);
    for (const tail of tails) tail.end();
    await mayUpload;
    if (logGroup !== undefined) await this.#pace.wait('outputUpload');
    await this.#pace.wait('commandReport');
    // Without power the agent reports nothing: the command stays in progress until the host is back or time is up.
    if (!host.hasPower || !this.#agents.has(invocation)) return;
    this.#agents.delete(invocation);
    if (agent.cancelled) this.#end(command, invocation, 'Cancelled', 'Cancelled', killedResponseCode);
    else if (agent.timedOut) this.#end(command, invocation, 'TimedOut', 'ExecutionTimedOut', killedResponseCode);
    else {
      // Go has -1 for a process that a signal has ended.
      const responseCode = end.code ?? -1;
      const status = responseCode === 0 ? 'Success' : 'Failed';
      if (responseCode === killedResponseCode) {
        this.#end(command, invocation, 'TimedOut', 'ExecutionTimedOut', responseCode);
      } else this.#end(command, invocation, status, status, responseCode);
    }
  }

  #wake(host: Host): void {
    const waiting = this.#waiting.get(host) ?? [];
    this.#waiting.delete(host);
    for (const act of waiting) act();
  }

  /** Resolves when the agent reaches AWS again, or is no more. */
  #reached(host: Host): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(host, [...(this.#waiting.get(host) ?? []), resolve]);
    });
  }

  #end(
    command: Command,
    invocation: Invocation,
    status: InvocationStatus,
    details: string,
    responseCode: number,
  ): void {
    if (finalStatuses.includes(invocation.status)) return;
    clearTimeout(this.#timers.get(invocation));
    this.#timers.delete(invocation);
    this.#agents.delete(invocation);
    invocation.status = status;
    invocation.statusDetails = details;
    invocation.responseCode = responseCode;
    invocation.ended = new Date();
    this.#listener(command, invocation);
  }

  /** A host is up again: its agent reports what the power cut interrupted, though not soon, and takes what waits. */
  #booted(host: Host): void {
    const interrupted = [...this.#commands.values()].flatMap((command) =>
      command.invocations
        .filter(({ instanceId }) => instanceId === host.facts.instanceId)
        .filter(({ status }) => status === 'InProgress' || status === 'Cancelling')
        .map((invocation) => ({ command, invocation })),
    );
    const delay = Math.max(interruptedMilliseconds, this.#pace.milliseconds('interruptedReport'));
    // Nothing that waited for a worker before is started now.
    const workers = new Workers();
    this.#workers.set(host, workers);
    setTimeout(async () => {
      if (host.hasPower && host.agentLink.isCut) await this.#reached(host);
      // The next boot reports it when there was another power cut meanwhile.
      if (!host.hasPower || this.#workers.get(host) !== workers) return;
      for (const { command, invocation } of interrupted) {
        if (finalStatuses.includes(invocation.status)) continue;
        // What it had printed is lost.
        for (const path of [invocation.stdoutPath, invocation.stderrPath]) writeFileSync(path, '');
        this.#end(command, invocation, 'Failed', 'Failed', 1);
      }
    }, delay).unref();
    this.#takePending(host);
  }

  /** The agent takes what waits for it. */
  #takePending(host: Host): void {
    for (const command of this.#commands.values()) {
      for (const invocation of command.invocations) {
        if (invocation.instanceId !== host.facts.instanceId || invocation.status !== 'Pending') continue;
        this.#deliver(command, invocation, checkParameters(command.document, command.parameters));
      }
    }
  }

  /** Commands of a region, newest first. */
  list(region: string): Command[] {
    return [...this.#commands.values()].filter((command) => command.region === region).reverse();
  }

  /** A command by its id. */
  find(id: string, region: string): Command {
    const command = this.#commands.get(id);
    if (command === undefined || command.region !== region) {
      throw new AwsError('InvalidCommandId', `Command ${id} does not exist`);
    }
    return command;
  }

  /** Cancels the invocations of a command that have not ended. */
  cancel(id: string, instanceIds: readonly string[] | undefined, region: string): void {
    const command = this.find(id, region);
    for (const invocation of command.invocations) {
      if (instanceIds !== undefined && !instanceIds.includes(invocation.instanceId)) continue;
      const agent = this.#agents.get(invocation);
      const host = this.#hosts.find(invocation.instanceId, region);
      if (agent === undefined) this.#end(command, invocation, 'Cancelled', 'Cancelled', -1);
      else if (host?.agentLink.isCut === true) {
        invocation.status = 'Cancelling';
        invocation.statusDetails = 'Cancelling';
        void this.#reached(host).then(() => kill(agent));
      } else kill(agent);
    }
  }

  /** Forgets the timers, when the runtime ends. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
