/**
 * A host made of processes: a directory, a loopback address and whatever works inside the directory. The agent's
 * scripts start there, PostgreSQL's working directory is its data directory below it, and children inherit theirs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentEnvironment, asAgent, startScript } from './agent-script.ts';
import { allProcesses, findProcess } from './all-processes.ts';
import type { Host, HostFacts, HostScript, RunningScript } from './host.ts';
import { killAll, processesOf } from './host-processes.ts';
import { HostSessions } from './host-sessions.ts';
import type { OsUser } from './os-user.ts';
import { StatefulHost } from './stateful-host.ts';

/** What a process host is made with. */
export interface ProcessHostOptions {
  readonly facts: HostFacts;
  /** `DIR/nodes/<name>`. */
  readonly directory: string;
  /** `DIR/memory/<name>`: where the scripts keep what the PostgreSQL user must not write, as in /var/lib of a machine. */
  readonly memory: string;
  readonly user: OsUser;
  /** Programs that the host has instead of this machine's: `aws`. */
  readonly programs: Readonly<Record<string, string>>;
  /** Tells people what happens. */
  readonly say: (line: string) => void;
}

/** Starts PostgreSQL's part of a boot: longest time that pg_ctl may wait for it. */
const startLimitSeconds = 300;

/** One host. */
export class ProcessHost extends StatefulHost implements Host {
  readonly #options: ProcessHostOptions;
  readonly #sessions = new HostSessions();

  constructor(options: ProcessHostOptions) {
    super(options.facts);
    this.#options = options;
    const { directory, memory, user, programs } = options;
    mkdirSync(memory, { recursive: true, mode: 0o700 });
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    chownSync(directory, user.uid, user.gid);
    const bin = join(directory, 'bin');
    mkdirSync(bin, { recursive: true, mode: 0o755 });
    for (const [name, content] of Object.entries(programs)) {
      writeFileSync(join(bin, name), content);
      chmodSync(join(bin, name), 0o755);
    }
  }

  async boot(): Promise<void> {
    if (this.state !== 'stopped') return;
    this.enter('pending');
    // A host without power has no processes: what is left there is an earlier runtime's.
    await killAll(this.#options.directory, this.#sessions);
    this.#makeSocketDirectory();
    if (!(await this.takeTimeToStart())) return;
    this.enter('running');
    this.#startEnabledPostgres();
  }

  /** Packages make the socket directory at boot, where it is in memory (`/run/postgresql`). */
  #makeSocketDirectory(): void {
    const { facts, user } = this.#options;
    if (facts.socketDirectory === undefined || existsSync(facts.socketDirectory)) return;
    mkdirSync(facts.socketDirectory, { recursive: true, mode: 0o755 });
    chownSync(facts.socketDirectory, user.uid, user.gid);
  }

  /** Scripts mark PostgreSQL as enabled where systemd would: it starts at boot, in the background like a unit. */
  #startEnabledPostgres(): void {
    const { facts, directory, user, say } = this.#options;
    const runbookDirectory = `${facts.dataDirectory}.runbook`;
    if (!existsSync(join(runbookDirectory, 'autostart'))) return;
    const log = join(runbookDirectory, 'postgresql.log');
    const started = spawn(
      join(facts.binDirectory, 'pg_ctl'),
      ['-D', facts.dataDirectory, '-w', '-t', `${startLimitSeconds}`, '-s', '-l', log, 'start'],
      { cwd: directory, env: this.#environment(user.home), stdio: 'ignore', detached: true, ...user.spawn },
    );
    this.#leadsSession(started);
    started.on('error', (error) => say(`${facts.name}: pg_ctl: ${error.message}`));
    started.on('exit', (code) => {
      if (code !== 0 && this.state === 'running') say(`${facts.name}: PostgreSQL did not start at boot; see ${log}`);
    });
  }

  async powerOff(): Promise<void> {
    if (this.state === 'stopped') return;
    this.skipShutdown();
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.cutPower();
    await this.takeTimeToStop();
  }

  protected cutPower(): Promise<void> {
    return killAll(this.#options.directory, this.#sessions);
  }

  async shutDown(limitMilliseconds: number): Promise<void> {
    if (this.state === 'stopped') return;
    const { facts } = this.#options;
    const deadline = Date.now() + limitMilliseconds;
    const { hasDied } = this;
    const postmaster = this.#postmaster();
    this.beginShutdown();
    if (hasDied) await this.awaitNothing(limitMilliseconds);
    if (postmaster !== undefined) {
      this.#options.say(`${facts.name}: stopping PostgreSQL`);
      try {
        process.kill(postmaster, 'SIGINT');
      } catch {
        // It ended meanwhile.
      }
      while (this.#postmaster() === postmaster && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    // Otherwise its power was cut meanwhile, and it may run again.
    if (this.state === 'stopping') await this.#end();
  }

  /** Process id of the running PostgreSQL, if it is this host's. */
  #postmaster(): number | undefined {
    const { facts, directory } = this.#options;
    try {
      const pid = Number(readFileSync(join(facts.dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
      return processesOf(directory, this.#sessions).find((entry) => entry.pid === pid)?.pid;
    } catch {
      return undefined;
    }
  }

  /** The host's own programs come first. */
  get #path(): string {
    return `${join(this.#options.directory, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  }

  /** A bare environment, as services have it; `home` is that of the user who gets it. */
  #environment(home: string): NodeJS.ProcessEnv {
    return {
      PATH: this.#path,
      HOME: home,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
    };
  }

  /** What it starts is the host's. */
  #leadsSession(child: ChildProcess): void {
    const leader = child.pid === undefined ? undefined : findProcess(child.pid);
    if (leader === undefined) return;
    this.#sessions.begin(leader);
    child.once('exit', () => this.#sessions.end(leader.pid, allProcesses()));
  }

  run(script: HostScript): RunningScript {
    const { child, running } = startScript(script, asAgent(script.path), {
      cwd: '/',
      env: { ...agentEnvironment(script, this.#path), RUNBOOK_MEMORY: this.#options.memory },
    });
    this.#leadsSession(child);
    return running;
  }
}
