/** What hosts of both kinds have in common: a state that others hear of, and an agent that the network may cut off. */

import { ownPace } from '../pace/pace.ts';
import { AgentLink } from './agent-link.ts';
import type { HostFacts, HostState } from './host.ts';

export abstract class StatefulHost {
  readonly facts: HostFacts;
  readonly agentLink = new AgentLink();
  pace = ownPace;
  readonly #listeners: ((state: HostState) => void)[] = [];
  #state: HostState = 'stopped';
  /** It has no power, and EC2 does not know. */
  #hasDied = false;
  #launched = new Date();
  #lastSeen = new Date();

  protected constructor(facts: HostFacts) {
    this.facts = facts;
  }

  get state(): HostState {
    return this.#state;
  }

  get launched(): Date {
    return this.#launched;
  }

  get hasPower(): boolean {
    return (this.#state === 'running' || this.#state === 'pending') && !this.#hasDied;
  }

  protected get hasDied(): boolean {
    return this.#hasDied;
  }

  get agentOnline(): boolean {
    return this.#state === 'running' && !this.#hasDied && !this.agentLink.isCut;
  }

  get lastSeen(): Date {
    if (this.agentOnline) return new Date();
    return this.#state === 'running' && !this.#hasDied ? this.agentLink.cutSince : this.#lastSeen;
  }

  onStateChange(listener: (state: HostState) => void): void {
    this.#listeners.push(listener);
  }

  async die(): Promise<void> {
    if (this.#state !== 'running' || this.#hasDied) return;
    this.#lastSeen = new Date();
    this.#hasDied = true;
    await this.cutPower();
  }

  /** What EC2 and a boot take; false when the host was stopped meanwhile. */
  protected async takeTimeToStart(): Promise<boolean> {
    await this.pace.wait('instanceStart');
    await this.pace.wait('instanceBoot');
    return this.#state === 'pending';
  }

  /** What EC2 takes until it says that the host is stopped. */
  protected async takeTimeToStop(waits: boolean): Promise<void> {
    if (waits) await this.pace.wait('instanceShutdown');
    await this.pace.wait('instanceStop');
  }

  /** Ends everything on the host at once, whatever EC2 says of it. */
  protected abstract cutPower(): Promise<void>;

  /** As EC2 does: a reboot is no launch. */
  protected enter(state: HostState): void {
    if (state === this.#state) return;
    if (this.#state === 'running' && !this.#hasDied) this.#lastSeen = new Date();
    if (this.#state === 'stopped') this.#launched = new Date();
    this.#hasDied = false;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
