/**
 * Hosts for tests: directories and loopback addresses on this machine, on which the documents' scripts run as the SSM
 * agent would run them, with real PostgreSQL.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { commandDocuments } from '../../infra/documents/command-documents.ts';
import { type Cluster, clustersSchema } from '../../lambdas/contract/cluster-config.ts';
import {
  emptyValue,
  type NodeCommandName,
  type NodeCommandResult,
  nodeCommandResultSchema,
  nodeCommands,
} from '../../lambdas/contract/node-commands.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { installedPostgres } from '../support/installed-postgres.ts';

const runsAsRoot = process.getuid?.() === 0;
export const osUser = runsAsRoot ? 'postgres' : userInfo().username;
/** Path of another bash than this machine's, such as the 4.2 of CentOS 7, to run the scripts with. */
const otherBash = process.env.TEST_BASH;
/** Where the scripts find programs, if not where the tests do: another distribution's, or no more than a host must have. */
const programPath = process.env.TEST_PROGRAMS ?? process.env.PATH;

/** A password with everything that quoting can get wrong. */
export const awkwardPassword = String.raw`p"a\ss:w'ord $x %s &\u0041 {}`;

/** What one command said. */
export interface CommandRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly answer: NodeCommandResult;
  readonly milliseconds: number;
}

export interface RunOptions {
  readonly epoch?: number;
  readonly notAfter?: number;
  /** Gets the process once it runs: to kill it, or to look at it. */
  readonly onStart?: (process: ChildProcess) => void;
  /** Texts of the script and what stands for each: shorter limits than those of the script, mostly. */
  readonly instead?: Readonly<Record<string, string>>;
}

export interface HostsOptions {
  /** Node names in order of priority. */
  readonly names?: readonly string[];
  readonly majorVersion?: number;
  readonly binDirectory?: string;
  readonly replication?: object;
  /** Runs the commands as the PostgreSQL user, not as the user of the tests. */
  readonly withoutRoot?: boolean;
  readonly postgres?: object;
  /** Where the scripts find programs. */
  readonly programPath?: string;
}

/** The hosts of one cluster, in a directory of their own. */
export class Hosts {
  readonly directory = mkdtempSync(join(tmpdir(), 'pgd-'));
  readonly cluster: Cluster;
  readonly #secrets = join(this.directory, 'secrets');
  readonly #logged = join(this.directory, 'logged');
  readonly #commands = new Set<ChildProcess>();
  readonly #withoutRoot: boolean;
  readonly #programPath: string | undefined;
  #scripts = 0;

  constructor({ names = ['alpha', 'beta', 'gamma'], ...options }: HostsOptions = {}) {
    chmodSync(this.directory, 0o755);
    // Who is not root is that user already.
    this.#withoutRoot = runsAsRoot && (options.withoutRoot ?? false);
    this.#programPath = options.programPath ?? programPath;
    const port = randomInt(20000, 30000);
    const subnet = `127.77.${randomInt(1, 255)}`;
    for (const [index] of names.entries()) {
      const home = this.home(index);
      mkdirSync(home);
      if (runsAsRoot) chownSync(home, ...userIds());
      const memory = this.#memory(index);
      mkdirSync(memory, { mode: 0o700 });
      if (runsAsRoot && this.#withoutRoot) chownSync(memory, ...userIds());
    }
    this.cluster = Hosts.#parse({
      names,
      options,
      port,
      subnet,
      home: (index) => this.home(index),
    });
    mkdirSync(this.#secrets);
    this.putSecret('replication', { username: this.cluster.replication.user, password: awkwardPassword });
    this.putSecret('monitoring', { username: this.cluster.monitoring.user, password: 'watch-only' });
    this.#installAws();
  }

  static #parse({
    names,
    options,
    port,
    subnet,
    home,
  }: {
    names: readonly string[];
    options: HostsOptions;
    port: number;
    subnet: string;
    home: (index: number) => string;
  }): Cluster {
    const [cluster] = clustersSchema.parse([
      {
        name: 'pg-test',
        postgres: {
          majorVersion: options.majorVersion ?? installedPostgres().majorVersion,
          binDirectory: options.binDirectory ?? installedPostgres().binDirectory,
          dataDirectory: join(home(0), 'data'),
          osUser,
          serviceControl: { kind: 'pg_ctl' },
          listenAddresses: 'address',
          walKeepSegments: 16,
          ...options.postgres,
        },
        nodes: names.map((name, index) => ({
          name,
          instanceId: `i-${`${index + 1}`.padStart(17, '0')}`,
          address: `${subnet}.${index + 1}`,
          connectsFrom: '127.0.0.1',
          port: port + index,
          dataDirectory: join(home(index), 'data'),
          socketDirectory: home(index),
        })),
        replication: { user: 'replica', ...options.replication },
        network: {
          region: 'eu-central-1',
          vpcId: 'vpc-0123456789abcdef0',
          nodeSecurityGroupId: 'sg-0123456789abcdef0',
          observerSubnets: [
            { subnetId: 'subnet-0123456789abcdef0', cidr: '127.0.0.0/8', availabilityZone: 'eu-central-1a' },
          ],
        },
      },
    ]);
    if (cluster === undefined) throw new Error('no cluster');
    return cluster;
  }

  home(index: number): string {
    return join(this.directory, `${index + 1}`);
  }

  /** Where a host remembers what decides over commands: not in its directory, which is the PostgreSQL user's. */
  #memory(index: number): string {
    return join(this.directory, `memory-${index + 1}`);
  }

  /** What a node's host remembers: its newest operation, the lock. */
  memoryOf(node: string): string {
    return join(this.#memory(this.#indexOf(node)), `${this.cluster.name}.${node}`);
  }

  /** Directory of a node's host: its data directory is `data` in it. */
  homeOf(node: string): string {
    return this.home(this.#indexOf(node));
  }

  dataOf(node: string): string {
    return join(this.homeOf(node), 'data');
  }

  #indexOf(node: string): number {
    const index = this.cluster.nodes.findIndex(({ name }) => name === node);
    if (index < 0) throw new Error(`no node ${node}`);
    return index;
  }

  putSecret(name: 'replication' | 'monitoring', secret: object | string): void {
    writeFileSync(join(this.#secrets, name), typeof secret === 'string' ? secret : JSON.stringify(secret));
  }

  /** Puts a program before the machine's own of that name, for the commands only; returns how to take it away. */
  replaceProgram(name: string, lines: readonly string[]): () => void {
    const file = join(this.directory, 'bin', name);
    const former = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    writeFileSync(file, `${['#!/bin/bash', ...lines].join('\n')}\n`, { mode: 0o755 });
    return () => (former === undefined ? rmSync(file) : writeFileSync(file, former));
  }

  /** What hosts have put into the log group, as stream and message. */
  logged(): [stream: string, message: string][] {
    const lines = existsSync(this.#logged) ? readFileSync(this.#logged, 'utf8').trimEnd().split('\n') : [];
    return lines.map((line) => {
      const [stream = '', events = ''] = line.split(/ (.*)/s);
      return [stream, (JSON.parse(events) as [{ message: string }])[0].message];
    });
  }

  /** An `aws` that knows what the scripts may ask, with the options that they may use. */
  #installAws(): void {
    const bin = join(this.directory, 'bin');
    mkdirSync(bin);
    const aws = [
      'if [[ "$1" == logs ]]; then',
      '[[ "$*" == *" --log-group-name /pg-test/commands --log-stream-name "*" --region eu-central-1 --output text"* ]] || exit 252',
      `if [[ $2 == put-log-events ]]; then echo "$6 \${12}" >>${this.#logged}; else [[ $2 == create-log-stream ]]; fi`,
      'exit',
      'fi',
      '[[ "$*" == "secretsmanager get-secret-value --secret-id "*" --region eu-central-1 --query SecretString --output text" ]] || { echo "unexpected: $*" >&2; exit 252; }',
      `cat ${this.#secrets}/"\${4##*/}" || { echo "An error occurred (AccessDeniedException)" >&2; exit 254; }`,
      'echo',
    ];
    if (otherBash !== undefined) symlinkSync(otherBash, join(bin, 'bash'));
    this.replaceProgram('aws', aws);
  }

  /** Runs a command's document on a node's host. */
  async run(
    node: string,
    command: NodeCommandName,
    parameters: Record<string, string> = {},
    { epoch = 1, notAfter = Math.floor(Date.now() / 1000) + 60, onStart, instead = {} }: RunOptions = {},
  ): Promise<CommandRun> {
    const values: Record<string, string> = {
      Node: node,
      TaskToken: '-',
      NotAfter: `${notAfter}`,
      Epoch: `${epoch}`,
      ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value || emptyValue])),
    };
    const missing = Object.keys(nodeCommands[command].parameters).filter((name) => !(name in values));
    if (missing.length > 0) throw new Error(`${command} needs ${missing}`);
    const facts = { replicationSecretId: 'pg-test/replication', monitoringSecretId: 'pg-test/monitoring' };
    const document = commandDocuments(this.cluster, { ...facts, region: 'eu-central-1' }).find(
      (candidate) => candidate.command === command,
    );
    const content = document?.content as { mainSteps: { inputs: { runCommand: string[] } }[] };
    const script = Object.entries(instead).reduce(
      (text, [former, other]) => {
        if (!text.includes(former)) throw new Error(`${command} has no ${former}`);
        return text.replace(former, other);
      },
      (content.mainSteps[0]?.inputs.runCommand ?? [])
        .join('\n')
        .replace(/\{\{ *(\w+) *\}\}/g, (_, name: string) => values[name] ?? ''),
    );
    const file = join(this.directory, `command-${++this.#scripts}.sh`);
    writeFileSync(file, `${script}\n`, { mode: 0o755 });

    const started = performance.now();
    const run = otherBash === undefined ? [file] : [otherBash, file];
    const [program = '', ...argv] = this.#withoutRoot ? ['/usr/bin/setpriv', ...asPostgres(), ...run] : run;
    const child = spawn(program, argv, {
      // As the SSM agent has it: no HOME, no USER, no Region.
      cwd: '/usr/bin',
      env: {
        PATH: `${join(this.directory, 'bin')}:${this.#programPath}`,
        LANG: 'C.UTF-8',
        RUNBOOK_MEMORY: this.#memory(this.#indexOf(node)),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#commands.add(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      output.stdout += data;
    });
    child.stderr.on('data', (data) => {
      output.stderr += data;
    });
    onStart?.(child);
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    this.#commands.delete(child);
    const lastLine = output.stdout.trimEnd().split('\n').at(-1) ?? '';
    const parsed = nodeCommandResultSchema.safeParse(safeJson(lastLine));
    const answer: NodeCommandResult = parsed.success
      ? parsed.data
      : { ok: false, error: 'NoResultLine', message: `${output.stdout}\n${output.stderr}`, remedy: '' };
    return { exitCode, ...output, answer, milliseconds: performance.now() - started };
  }

  /** Runs a command that must succeed; its result. */
  async succeed(
    node: string,
    command: NodeCommandName,
    parameters?: Record<string, string>,
    options?: RunOptions,
  ): Promise<Record<string, unknown>> {
    const run = await this.run(node, command, parameters, options);
    if (!run.answer.ok || run.exitCode !== 0) throw new Error(`${command} on ${node}: ${JSON.stringify(run, null, 1)}`);
    return run.answer.result;
  }

  /** Runs a command that must fail; its error. */
  async refuse(
    node: string,
    command: NodeCommandName,
    parameters?: Record<string, string>,
    options?: RunOptions,
  ): Promise<{ error: string; message: string; remedy: string }> {
    const run = await this.run(node, command, parameters, options);
    if (run.answer.ok || run.exitCode !== 1) throw new Error(`${command} on ${node}: ${JSON.stringify(run, null, 1)}`);
    return run.answer;
  }

  /** Every step of setup, in its order; each step's results. */
  async setUp(method = 'FIRST 1'): Promise<Record<string, unknown>[]> {
    const [primary = '', ...standbys] = this.cluster.nodes.map(({ name }) => name);
    const names = `${method} (${standbys.map((name) => `"${name}"`).join(',')})`;
    return [
      await this.succeed(primary, 'configure-primary'),
      await this.succeed(primary, 'ensure-roles-and-slots', { Primary: primary }),
      ...(await Promise.all(standbys.map((node) => this.succeed(node, 'take-base-backup', { Primary: primary })))),
      ...(await Promise.all(standbys.map((node) => this.succeed(node, 'start-standby', { Primary: primary })))),
      await this.succeed(primary, 'set-synchronous-standbys', { StandbyNames: names }),
    ];
  }

  /** Asks a node's PostgreSQL as its superuser. */
  sql(node: string, statement: string): string {
    const index = this.#indexOf(node);
    const port = `${this.cluster.nodes[index]?.port}`;
    const psql = [join(installedPostgres().binDirectory, 'psql'), '-X', '-q', '-A', '-t'];
    return execAsPostgres([...psql, '-h', this.home(index), '-p', port, 'postgres', '-c', statement]).trim();
  }

  /** Starts PostgreSQL on a node as it is, without any command of ours. */
  start(node: string): void {
    const log = join(this.homeOf(node), 'started-by-hand.log');
    const pgCtl = join(this.cluster.postgres.binDirectory, 'pg_ctl');
    execAsPostgres([pgCtl, 'start', '-D', this.dataOf(node), '-l', log, '-w', '-s']);
  }

  stop(node: string, mode = 'fast'): void {
    execAsPostgres([
      join(this.cluster.postgres.binDirectory, 'pg_ctl'),
      'stop',
      '-D',
      this.dataOf(node),
      '-m',
      mode,
      '-s',
    ]);
  }

  /** Starts PostgreSQL on a node that has crashed, and stops it by a fast shutdown before it has recovered. */
  async stopWhileRecovering(node: string): Promise<void> {
    const pidFile = join(this.dataOf(node), 'postmaster.pid');
    const pgCtl = [join(this.cluster.postgres.binDirectory, 'pg_ctl'), '-D', this.dataOf(node), '-W', '-s'];
    execAsPostgres([...pgCtl, '-l', join(this.homeOf(node), 'started-by-hand.log'), 'start']);
    const deadline = Date.now() + 10_000;
    let recovering: number | undefined;
    while (recovering === undefined) {
      if (Date.now() > deadline) throw new Error(`no recovery was seen on ${node}`);
      // Not a moment later than it can be seen: there is little to recover.
      recovering = startupProcessOf(pidFile);
    }
    process.kill(recovering, 'SIGSTOP');
    try {
      execAsPostgres([...pgCtl, '-m', 'fast', 'stop']);
    } finally {
      process.kill(recovering, 'SIGCONT');
    }
    await waitFor(`end of PostgreSQL on ${node}`, 10, () => !existsSync(pidFile));
  }

  /** Process id of a node's postmaster. */
  postmasterOf(node: string): number {
    return Number.parseInt(readFileSync(join(this.dataOf(node), 'postmaster.pid'), 'utf8'), 10);
  }

  /** Every file of a node's host with its content, but for `except`. PostgreSQL must not run there meanwhile. */
  snapshot(node: string, except = /(?!)/): Record<string, string> {
    const root = this.homeOf(node);
    const entries = readdirSync(root, { recursive: true, withFileTypes: true });
    return Object.fromEntries(
      entries
        .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
        .filter(({ path }) => !except.test(path))
        .map(({ entry, path }) => [path, entry.isFile() ? readFileSync(path, 'latin1') : `${entry.isDirectory()}`]),
    );
  }

  /** Ends every process that works in these hosts' directories, and removes them. */
  async remove(): Promise<void> {
    for (const child of this.#commands) child.kill('SIGKILL');
    // PostgreSQL that is killed leaves its shared memory behind.
    for (const { name } of this.cluster.nodes)
      if (existsSync(join(this.dataOf(name), 'postmaster.pid'))) this.#end(name);
    const deadline = Date.now() + 10_000;
    for (let pids = this.#processes(); pids.length > 0 && Date.now() < deadline; pids = this.#processes()) {
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #end(node: string): void {
    try {
      this.stop(node, 'immediate');
    } catch {
      // It had ended already.
    }
  }

  #processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== process.pid && belongsTo(pid, this.directory));
  }
}

/** The process that recovers, of the server that this file names. */
function startupProcessOf(pidFile: string): number | undefined {
  try {
    const postmaster = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'latin1').trim().split(' ');
    return children
      .map(Number)
      .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('postgres: startup'));
  } catch {
    return undefined; // not there yet
  }
}

/** The process works in the directory or has it in its arguments. */
function belongsTo(pid: number, directory: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`).startsWith(directory) ||
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(directory)
    );
  } catch {
    return false;
  }
}

const asPostgres = (): string[] => {
  const [user, group] = userIds();
  return [`--reuid=${user}`, `--regid=${group}`, '--init-groups'];
};

function userIds(): [number, number] {
  const id = (flag: string) => Number(execFileSync('id', [flag, osUser], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

export function execAsPostgres(command: string[]): string {
  const argv = runsAsRoot ? ['runuser', '-u', osUser, '--', ...command] : command;
  return execFileSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', cwd: '/' });
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
