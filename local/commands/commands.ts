/** SSM Run Command: commands, their delivery to agents, their time limits, and what became of them. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../hosts/host.ts';
import type { Hosts } from '../hosts/hosts.ts';
import type { LogStore } from '../logs/log-store.ts';
import { ownPace, type Pace } from '../pace/pace.ts';
import { AwsError } from '../protocols/aws-error.ts';
import { Agent, type Delivery, type MayUpload } from './agent.ts';
import { type Command, type CommandRequest, ends, hasEnded, type Invocation, type InvocationEnd } from './command.ts';
import { checkParameters, type Documents, executionTimeoutSeconds } from './documents.ts';

/** Told when an invocation starts and when it ends. */
export type InvocationListener = (command: Command, invocation: Invocation) => void;

/** All commands of this run of the runtime. */
export class Commands {
  readonly #commands = new Map<string, Command>();
  readonly #agents = new Map<Host, Agent>();
  readonly #timers = new Map<Invocation, NodeJS.Timeout>();
  readonly #documents: Documents;
  readonly #hosts: Hosts;
  readonly #directory: string;
  readonly #listener: InvocationListener;
  readonly #pace: Pace;

  constructor({
    documents,
    hosts,
    directory,
    onStatus,
    pace = ownPace,
    ...agentOptions
  }: {
    documents: Documents;
    hosts: Hosts;
    logs: LogStore;
    directory: string;
    endpoint: () => string;
    onStatus: InvocationListener;
    mayUpload: MayUpload;
    pace?: Pace;
  }) {
    this.#documents = documents;
    this.#hosts = hosts;
    this.#directory = directory;
    this.#listener = onStatus;
    this.#pace = pace;
    // Scripts hold parameters only, never secrets; still they are the agent's business alone.
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const reports = {
      taken: (delivery: Delivery) => this.#taken(delivery),
      running: (delivery: Delivery) => this.#running(delivery),
      ended: (delivery: Delivery, end: InvocationEnd) => this.#end(delivery, end),
    };
    for (const host of this.#hosts.list()) {
      const agent = new Agent(host, reports, { ...agentOptions, pace });
      this.#agents.set(host, agent);
      host.onStateChange((state) => {
        agent.wake();
        if (state !== 'running') return;
        agent.booted();
        this.#deliverPending(host);
      });
      host.agentLink.onMended(() => {
        agent.wake();
        this.#deliverPending(host);
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
      const delivery = { command, invocation, values };
      // SSM says so only when the execution would have had its time, too, although it starts nothing after `expires`.
      this.#after(invocation, request.timeoutSeconds + executionTimeoutSeconds(document, values), () =>
        this.#end(delivery, ends.notDelivered),
      );
      // The answer to SendCommand must not depend on what the host does with the command.
      setImmediate(() => this.#pace.after('commandDelivery', () => this.#deliver(delivery)));
    }
    return command;
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
      const agent = this.#agentOf(command, invocation);
      if (agent?.isRunning(invocation) !== true) {
        this.#end(this.#delivery(command, invocation), ends.withdrawn);
        continue;
      }
      if (agent.isCutOff) {
        invocation.status = 'Cancelling';
        invocation.statusDetails = 'Cancelling';
      }
      agent.cancel(invocation);
    }
  }

  /** Forgets the timers, when the runtime ends. */
  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** Hands a command to the agent, if the host is up and the command still waits. */
  #deliver(delivery: Delivery): void {
    const { command, invocation } = delivery;
    const agent = this.#agentOf(command, invocation);
    if (invocation.status !== 'Pending' || agent?.isOnline !== true || new Date() > command.expires) return;
    agent.take(delivery);
  }

  /** What waits for a host is handed to its agent. */
  #deliverPending(host: Host): void {
    for (const command of this.#commands.values()) {
      for (const invocation of command.invocations) {
        if (invocation.instanceId !== host.facts.instanceId || invocation.status !== 'Pending') continue;
        this.#deliver(this.#delivery(command, invocation));
      }
    }
  }

  #delivery(command: Command, invocation: Invocation): Delivery {
    return { command, invocation, values: checkParameters(command.document, command.parameters) };
  }

  #agentOf({ region }: Command, { instanceId }: Invocation): Agent | undefined {
    const host = this.#hosts.find(instanceId, region);
    return host === undefined ? undefined : this.#agents.get(host);
  }

  #taken({ command, invocation }: Delivery): void {
    invocation.status = 'InProgress';
    invocation.statusDetails = 'InProgress';
    invocation.started = new Date();
    this.#listener(command, invocation);
  }

  /** From now on the document's time counts. */
  #running(delivery: Delivery): void {
    const { command, invocation, values } = delivery;
    const agent = this.#agentOf(command, invocation);
    this.#after(invocation, executionTimeoutSeconds(command.document, values), () => {
      agent?.timeOut(invocation);
      // The power may have been cut: then nobody is left to report the end. Nor can an agent that is cut off.
      if (agent?.isOnline === true && agent.isRunning(invocation)) return;
      this.#end(delivery, ends.timedOut);
    });
  }

  #after(invocation: Invocation, seconds: number, act: () => void): void {
    clearTimeout(this.#timers.get(invocation));
    const timer = setTimeout(act, seconds * 1000);
    timer.unref();
    this.#timers.set(invocation, timer);
  }

  #end({ command, invocation }: Delivery, { status, statusDetails, responseCode }: InvocationEnd): void {
    if (hasEnded(invocation)) return;
    clearTimeout(this.#timers.get(invocation));
    this.#timers.delete(invocation);
    this.#agentOf(command, invocation)?.forget(invocation);
    invocation.status = status;
    invocation.statusDetails = statusDetails;
    invocation.responseCode = responseCode;
    invocation.ended = new Date();
    this.#listener(command, invocation);
  }
}
