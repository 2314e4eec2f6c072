/**
 * The room in which a runtime's machines stand: a network with a switch, mounts and processes of its own, apart from
 * this system's and from any other runtime's.
 *
 * It is held by one process that reads from a pipe of the runtime's. Whichever way the runtime ends, the pipe closes, the
 * process ends, and because it is process 1 of the room the kernel ends every other one in it, and with them the
 * namespaces, mounts, bridge and links. Nothing has a name outside, so nothing can be left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { allProcesses } from '../all-processes.ts';
import { runProgram } from './run-program.ts';

/** The switch; the runtime's own end of it, too. */
const bridge = 'machines';
/** Its own: a switch would else take the address of one of its links, and change it with them. */
const bridgeAddress = '02:00:00:00:00:fe';

/**
 * Process 1 of the room: says that it is there, and ends with the pipe. It ignores the end of its children, so that the
 * kernel reaps those that it has inherited.
 */
const keeper = [
  'ip link set lo up',
  `ip link add ${bridge} address ${bridgeAddress} type bridge`,
  `ip link set ${bridge} up`,
  'echo open',
  "trap '' CHLD",
  'exec cat',
].join(' && ');

const listenScript = fileURLToPath(new URL('./listen-in-room.mjs', import.meta.url));

/** A room while it is open. */
export class Room {
  readonly bridge = bridge;
  readonly #holder: ChildProcess;
  /** Its process 1, as seen from outside. */
  readonly keeper: number;

  private constructor(holder: ChildProcess, keeperPid: number) {
    this.#holder = holder;
    this.keeper = keeperPid;
  }

  /** Opens a room of its own. */
  static async open(): Promise<Room> {
    const namespaces = ['--net', '--mount', '--propagation', 'private', '--pid', '--mount-proc', '--fork'];
    const holder = spawn('unshare', [...namespaces, '--kill-child=SIGKILL', 'sh', '-c', keeper], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
      // A terminal's Ctrl-C is for the runtime, which then ends the machines properly.
      detached: true,
    });
    const said: string[] = [];
    for (const stream of [holder.stdout, holder.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => said.push(text));
    await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
    const [child] = allProcesses().filter(({ parent }) => parent === holder.pid);
    if (!said.join('').startsWith('open') || child === undefined) {
      holder.kill('SIGKILL');
      throw new Error(`No room for machines could be made: ${said.join('').trim()}`);
    }
    return new Room(holder, child.pid);
  }

  /** What puts a command into the room's network only; it sees this system's files and processes. */
  get networkCommand(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.keeper}/ns/net`, '--'];
  }

  /** What puts a command into the room altogether. */
  get command(): readonly string[] {
    return ['nsenter', `--target=${this.keeper}`, '--net', '--mount', '--pid', '--'];
  }

  /** A path inside the room, as seen from outside. */
  path(inside: string): string {
    return `/proc/${this.keeper}/root${inside}`;
  }

  /** Runs a program of the network's (`ip`, `nft`, `tc`) there. */
  configure(command: readonly string[], input?: string): Promise<string> {
    return runProgram([...this.networkCommand, ...command], input);
  }

  /** A socket that listens in the room's network and is served by this process. */
  async listen(address: string, port: number): Promise<Server> {
    const [program = '', ...args] = [...this.networkCommand, process.execPath, listenScript, address, `${port}`];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], cwd: '/' });
    const said: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const server = await new Promise<Server>((resolve, reject) => {
      child.on('message', (_, handle) => resolve(handle as Server));
      child.on('error', reject);
      child.on('close', (code) =>
        reject(new Error(`Listening on ${address}:${port} failed (${code}): ${said.join('')}`)),
      );
    });
    child.disconnect();
    return server;
  }

  /** Ends every process in it, and with them all else. */
  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const closed = once(this.#holder, 'close');
    this.#holder.stdin?.end();
    await closed;
  }
}
