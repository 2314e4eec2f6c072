/**
 * A host that is a machine: systemd as process 1 in namespaces of its own, started by systemd-nspawn on a disk of its
 * own. Its power is the life of that process 1: killed, everything on the machine is gone at once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { agentEnvironment, asAgent, startScript } from '../agent-script.ts';
import { allProcesses, findProcess, isAlive, type Process, processLink } from '../all-processes.ts';
import type { Host, HostFacts, HostScript, RunningScript } from '../host.ts';
import { StatefulHost } from '../stateful-host.ts';
import { groupFilesOf, inGroups, makeGroup, removeGroups } from './cgroups.ts';
import type { Disk } from './disk.ts';
import { intoMachine } from './enter.ts';
import type { Room } from './room.ts';
import { agentPidFile } from './system-files.ts';

/** What a machine is made with. */
export interface MachineHostOptions {
  readonly facts: HostFacts;
  readonly room: Room;
  readonly disk: Disk;
  /** Name for systemd-nspawn. */
  readonly id: string;
  /** Its link on the switch, which systemd-nspawn makes at each boot and names after the machine. */
  readonly link: string;
  readonly hostname: string;
  /** Control group, a name that nobody else uses. */
  readonly group: string;
  /** Directories of this system that the machine sees at other places. */
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  /** Where the machine reaches AWS. */
  readonly endpoint: string;
  /** `DIR/nodes/<name>`: the console's output and the number of process 1 are kept here. */
  readonly directory: string;
  readonly say: (line: string) => void;
  /** The machine has a new link on the switch. */
  readonly onLink: () => Promise<void>;
}

/** A boot takes seconds; this is for a machine that shares its processors with much else. */
const bootLimitMilliseconds = 120_000;
const pollMilliseconds = 20;

/** What systemd as process 1 takes for a request to power off: SIGRTMIN+4, and SIGRTMIN is 34 on Linux. */
const powerOffSignal = 34 + 4;

/** systemd-nspawn leaves it to who started it to start a machine again that reboots. */
const rebootExitCode = 133;

/**
 * Since version 256, systemd-nspawn mounts a directory of the machine's name outside of the machine, takes it away when
 * it ends by itself, and refuses to start while it is there: after a power cut the machine would never boot again
 * (https://github.com/systemd/systemd/pull/34776). In a namespace of its own, each mount goes with its last process.
 */
const ownMounts = ['unshare', '--mount', '--propagation', 'private', '--'];

/** As the agent keeps them on Linux. */
const orchestrationDirectory = (instanceId: string) => `/var/lib/amazon/ssm/${instanceId}/document/orchestration`;

/** One machine. */
export class MachineHost extends StatefulHost implements Host {
  readonly #options: MachineHostOptions;
  /** Who waits until the power is off. */
  readonly #waiting: (() => void)[] = [];
  /** systemd-nspawn's outermost process while there is power. */
  #power: ChildProcess | undefined;
  /** Process 1 and the agent of the current boot, as seen from outside. */
  #init: Process | undefined;
  #agent: number | undefined;

  constructor(options: MachineHostOptions) {
    super(options.facts);
    this.#options = options;
  }

  /** Names process 1 for clients that enter the machine. */
  get #initFile(): string {
    return join(this.#options.directory, 'init.pid');
  }

  async boot(): Promise<void> {
    if (this.state !== 'stopped') return;
    this.enter('pending');
    if (!(await this.takeTimeToStart())) return;
    await this.#switchOn(makeGroup(this.#options.group));
  }

  /** Starts the machine in the groups of these files, and waits until it is up. */
  async #switchOn(groupFiles: readonly string[]): Promise<void> {
    const { room, directory } = this.#options;
    const console = openSync(join(directory, 'console.log'), 'a', 0o600);
    const [program = '', ...args] = inGroups(groupFiles, [...room.command, ...ownMounts, ...this.#nspawn()]);
    const power = spawn(program, args, { stdio: ['ignore', console, console], cwd: '/', detached: true });
    closeSync(console);
    this.#power = power;
    power.on('error', (error) => this.#options.say(`${this.facts.name}: ${error.message}`));
    power.on('exit', (code) => void this.#powerIsOff(code === rebootExitCode, groupFiles));
    await this.#awaitBoot(power);
  }

  #nspawn(): string[] {
    const { disk, id, hostname, room, binds } = this.#options;
    return [
      ...['systemd-nspawn', '--quiet', '--boot', `--directory=${disk.root}`, `--machine=${id}`],
      ...[`--hostname=${hostname}`, `--network-bridge=${room.bridge}`],
      // Not registered with this system's systemd, which need not be there.
      ...['--register=no', '--keep-unit', '--console=read-only', '--link-journal=no', '--resolv-conf=off'],
      ...binds.map(({ source, target }) => `--bind-ro=${source}:${target}`),
      'systemd.unit=multi-user.target',
    ];
  }

  /** Waits until the agent is up. */
  async #awaitBoot(power: ChildProcess): Promise<void> {
    const deadline = Date.now() + bootLimitMilliseconds;
    for (;;) {
      if (this.#power !== power)
        throw new Error(`${this.facts.name} lost its power while it booted; ${this.#seeConsole()}`);
      const init = this.#findInit();
      const agent = init === undefined ? undefined : this.#findAgent(init);
      if (init !== undefined && agent !== undefined) {
        this.#init = init;
        this.#agent = agent;
        await this.#options.onLink();
        // Clients may enter it from here on, and what fails on its network must have been put back by then.
        if (this.#init === init) writeFileSync(this.#initFile, `${init.pid} ${init.started}\n`);
        if (this.state === 'pending') this.enter('running');
        return;
      }
      if (Date.now() > deadline) {
        await this.powerOff();
        throw new Error(
          `${this.facts.name} did not boot within ${bootLimitMilliseconds / 1000} s; ${this.#seeConsole()}`,
        );
      }
      await pause(pollMilliseconds);
    }
  }

  #seeConsole(): string {
    return `see ${join(this.#options.directory, 'console.log')}`;
  }

  /** Process 1 of the machine: the one below systemd-nspawn that has process numbers of its own. */
  #findInit(): Process | undefined {
    const all = allProcesses().filter(isAlive);
    const childrenOf = (pid: number | undefined) => all.filter(({ parent }) => parent === pid);
    for (const nspawn of childrenOf(this.#power?.pid)) {
      const numbers = processLink(nspawn.pid, 'ns/pid');
      const init = childrenOf(nspawn.pid).find(({ pid }) => {
        const own = processLink(pid, 'ns/pid');
        return own !== undefined && own !== numbers;
      });
      if (init !== undefined) return init;
    }
    return undefined;
  }

  /** The agent's process, once it is up. */
  #findAgent(init: Process): number | undefined {
    try {
      const inside = readFileSync(`/proc/${init.pid}/root${agentPidFile}`, 'utf8').trim();
      const numbers = processLink(init.pid, 'ns/pid');
      return allProcesses().find(({ pid }) => {
        if (processLink(pid, 'ns/pid') !== numbers) return false;
        const ids = /^NSpid:\s+(.+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
        return ids?.at(-1) === inside;
      })?.pid;
    } catch {
      return undefined; // not up yet, or gone meanwhile
    }
  }

  /** The machine has ended, whoever wished it. One that reboots by itself is switched on again. */
  async #powerIsOff(reboots: boolean, groupFiles: readonly string[]): Promise<void> {
    rmSync(this.#initFile, { force: true });
    // Process 1 goes last: by then the kernel has closed the connections of all others.
    while (this.#init !== undefined && isStillAlive(this.#init)) await pause(pollMilliseconds);
    await this.#unplug();
    this.#power = undefined;
    this.#init = undefined;
    this.#agent = undefined;
    if (reboots && this.state === 'running') {
      this.enter('pending');
      await this.#switchOn(groupFiles).catch((error: Error) => this.#options.say(error.message));
      return;
    }
    await removeGroups(this.#options.group);
    if (!this.hasDied) {
      this.enter('stopping');
      await this.takeTimeToStop();
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /**
   * Takes the machine off the switch. Its network outlives its processes: the kernel goes on sending what they left in
   * their connections, for minutes if nobody confirms it, and the next boot could not make its link.
   */
  async #unplug(): Promise<void> {
    const { room, link } = this.#options;
    await room.configure(['ip', 'link', 'delete', link]).catch(() => undefined); // gone already, or the room is
  }

  async powerOff(): Promise<void> {
    if (this.state === 'stopped') return;
    this.skipShutdown();
    if (this.#power === undefined) return this.#noteStop();
    await this.cutPower();
  }

  /** EC2 is told to stop a host that has no power: one that has died, or that was to start. */
  async #noteStop(): Promise<void> {
    if (this.state === 'stopping') await this.takeTimeToStop();
  }

  /**
   * First off the switch, so that nobody hears of it: the kernel closes the connections of processes that end, and a
   * host without power closes none.
   */
  protected async cutPower(): Promise<void> {
    const power = this.#power;
    if (power === undefined) return;
    await this.#unplug();
    const stopped = this.#stopped();
    const init = this.#findInit();
    const all = allProcesses();
    const nspawns = all.filter(({ parent }) => parent === power.pid);
    // Process 1 first: with it, and at the same moment, goes everything on the machine.
    const dying = [init, ...visitors(all, init, nspawns), ...(nspawns.length > 0 ? nspawns : [power])];
    for (const each of dying) {
      try {
        if (each?.pid !== undefined) process.kill(each.pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await stopped;
  }

  async shutDown(limitMilliseconds: number): Promise<void> {
    if (this.#power === undefined) {
      if (this.state === 'stopped') return;
      const { hasDied } = this;
      this.beginShutdown();
      if (hasDied) await this.awaitNothing(limitMilliseconds);
      return this.#noteStop();
    }
    const init = this.#init;
    if (init !== undefined) {
      this.#options.say(`${this.facts.name}: shutting down`);
      this.beginShutdown();
      const stopped = this.#stopped();
      try {
        process.kill(init.pid, powerOffSignal);
      } catch {
        // It ended meanwhile.
      }
      const waiting = new AbortController();
      const limit = pause(limitMilliseconds, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([stopped, limit]);
      waiting.abort();
      // Otherwise it is off, and may run again.
      if (this.state !== 'stopping') return;
    }
    await this.powerOff();
  }

  /** Resolves when the power is off. */
  #stopped(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  run(script: HostScript): RunningScript {
    const init = this.#init;
    const agent = this.#agent;
    if (init === undefined || agent === undefined) throw new Error(`${this.facts.name} is not up`);
    // As the agent does: a copy on the machine's own disk.
    const command = basename(dirname(dirname(script.path)));
    const name = join(orchestrationDirectory(this.facts.instanceId), command, 'run', basename(script.path));
    const copy = `/proc/${init.pid}/root${name}`;
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    copyFileSync(script.path, copy);
    return startScript(script, inGroups(groupFilesOf(agent), intoMachine(init.pid, asAgent(name))), {
      cwd: '/',
      env: {
        ...agentEnvironment(script, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'),
        AWS_ENDPOINT_URL: this.#options.endpoint,
      },
    }).running;
  }
}

/** True while it is this very process that has the number, and it has not ended. */
function isStillAlive({ pid, started }: Process): boolean {
  const now = findProcess(pid);
  return now !== undefined && now.started === started && isAlive(now);
}

/** Processes outside of a machine that have entered it for others: these cannot end before they are taken note of. */
function visitors(all: readonly Process[], init: Process | undefined, nspawns: readonly Process[]): Process[] {
  const numbers = init === undefined ? undefined : processLink(init.pid, 'ns/pid');
  if (numbers === undefined) return [];
  const inside = all.filter(({ pid }) => processLink(pid, 'ns/pid') === numbers);
  const known = new Set([process.pid, ...[...inside, ...nspawns].map(({ pid }) => pid)]);
  const parents = new Set(inside.map(({ parent }) => parent).filter((parent) => !known.has(parent)));
  return all.filter(({ pid }) => parents.has(pid));
}
