/** A link to a machine on which everything takes longer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Room } from './room.ts';

const script = fileURLToPath(new URL('./slow-link.pl', import.meta.url));

/** Name of the link that the switch has in place of a slow one. */
export const slowName = (link: string) => `${link}-slow`;

/** Stands between a machine's link and the switch. */
export class SlowLink {
  readonly #room: Room;
  readonly #link: string;
  #carrier: ChildProcess | undefined;

  constructor(room: Room, link: string) {
    this.#room = room;
    this.#link = link;
  }

  /** Makes every round trip take so much longer; 0 ends that. A link that is not there cannot be slow. */
  async set(milliseconds: number): Promise<void> {
    const wasSlow = await this.#end();
    if (milliseconds === 0) {
      if (wasSlow)
        await this.#configure(`link set ${this.#link} arp on master ${this.#room.bridge}`).catch(() => undefined);
      return;
    }
    // Half of it on each way.
    const carry = ['perl', script, this.#link, slowName(this.#link), `${milliseconds / 2}`];
    const [program = '', ...args] = [...this.#room.command, ...carry];
    const carrier = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', detached: true });
    this.#carrier = carrier;
    const said: string[] = [];
    for (const stream of [carrier.stdout, carrier.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
    }
    await Promise.race([once(carrier.stdout, 'data'), once(carrier, 'close')]);
    if (!said.join('').startsWith('ready'))
      throw new Error(`${this.#link} cannot be slowed down: ${said.join('').trim()}`);
    // Off the switch, the link must not be answered on by the runtime's own side of the network.
    await this.#configure(
      `link set ${this.#link} nomaster arp off`,
      `link set ${slowName(this.#link)} master ${this.#room.bridge} up`,
    );
  }

  async #configure(...commands: string[]): Promise<void> {
    await this.#room.configure(['ip', '-batch', '-'], `${commands.join('\n')}\n`);
  }

  /** Ends the carrier; true when there was one. */
  async #end(): Promise<boolean> {
    const carrier = this.#carrier;
    this.#carrier = undefined;
    if (carrier === undefined) return false;
    if (carrier.exitCode === null && carrier.signalCode === null) {
      const ended = once(carrier, 'exit');
      // The program is a child of the one that entered the room for it; both are one group.
      if (carrier.pid !== undefined) process.kill(-carrier.pid, 'SIGKILL');
      await ended;
    }
    return true;
  }
}
