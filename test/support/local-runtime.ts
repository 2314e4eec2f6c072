/** A local runtime as a user starts it: `npm run local` in a process of its own, and its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LocalClients, localClients } from '../../local/client/aws-clients.ts';
import { type LocalCluster, localClusters } from '../../local/client/host-access.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { keepDecisions } from './kept-decisions.ts';
import { claimPlace, portOf, vacatePlace } from './runtime-places.ts';

/** A directory under the system's temporary one that every user can enter. */
export function temporaryDirectory(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(directory, 0o755);
  return directory;
}

/** The same, for one test: it goes when the test ends. */
export function directoryOfTest(prefix: string): string {
  const directory = temporaryDirectory(prefix);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface RuntimeOptions {
  /** Contents of the clusters file, or the path of one. */
  readonly clusters: unknown[] | string;
  /** Kept from an earlier runtime; a new one when omitted. */
  readonly directory?: string;
  /** Further arguments of `npm run local`. */
  readonly args?: readonly string[];
}

/** A running `npm run local`. */
export class LocalRuntime implements AsyncDisposable {
  readonly directory: string;
  readonly endpoint: string;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(directory: string, endpoint: string, child: ChildProcess, output: string[]) {
    this.directory = directory;
    this.endpoint = endpoint;
    this.#child = child;
    this.#output = output;
  }

  /** Starts it and waits until it says that it is ready. */
  static async start(options: RuntimeOptions): Promise<LocalRuntime> {
    const { clusters, args = [] } = options;
    const directory = options.directory ?? claimPlace(JSON.stringify([clusters, args]));
    const port = await portOf(directory);
    let file = clusters;
    if (typeof file !== 'string') {
      const path = join(directory, 'clusters.input.json');
      writeFileSync(path, JSON.stringify(file, null, 2));
      file = path;
    }
    const command = ['local/reaper.pl', process.execPath, 'local/main.ts', '--clusters', file, '--port', `${port}`];
    const child = spawn('perl', [...command, '--dir', directory, '--reuse-assembly', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    const runtime = new LocalRuntime(directory, `http://127.0.0.1:${port}`, child, output);
    await waitFor('readiness of the runtime', 90, () => {
      if (child.exitCode !== null) throw new Error(`the runtime ended with ${child.exitCode}:\n${runtime.output}`);
      return /^Ready/m.test(runtime.output);
    });
    return runtime;
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.#output.join('');
  }

  /** The first cluster as it runs here, with local addresses and directories. */
  get cluster(): LocalCluster {
    const [cluster] = localClusters(this.directory);
    if (cluster === undefined) throw new Error('the runtime has no cluster');
    return cluster;
  }

  get clients(): LocalClients {
    return localClients(this.endpoint, this.cluster.network.region);
  }

  /** Ends it as Ctrl-C does. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
    keepDecisions(this.directory);
  }

  /** Kills it without a chance to clean up; its reaper ends the hosts. */
  async kill(): Promise<void> {
    const exit = once(this.#child, 'exit');
    process.kill(Number.parseInt(readFileSync(join(this.directory, 'runtime.pid'), 'utf8'), 10), 'SIGKILL');
    await exit;
    keepDecisions(this.directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    vacatePlace(this.directory);
  }
}
