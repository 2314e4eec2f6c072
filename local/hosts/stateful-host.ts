/** What hosts of both kinds have in common: a state that others hear of, and an agent that the network may cut off. */
import { setTimeout as pause } from 'node:timers/promises';
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
  /** What a shutdown of the operating system takes of EC2's time. */
  #shutdown: Promise<void> = Promise.resolve();
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

  /** The operating system begins to shut down; EC2 waits for that. */
  protected beginShutdown(): void {
    this.enter('stopping');
    this.#shutdown = this.pace.wait('instanceShutdown');
  }

  /** EC2 does not wait, or no longer. */
  protected skipShutdown(): void {
    this.enter('stopping');
    this.#shutdown = Promise.resolve();
  }

  /** Waits in vain for the shutdown of a host that has died, until the limit is over or somebody has its power cut. */
  protected async awaitNothing(limitMilliseconds: number): Promise<void> {
    const deadline = Date.now() + limitMilliseconds;
    while (this.#state === 'stopping' && Date.now() < deadline) await pause(20);
  }

  /** EC2 says that the host is off when it has taken its time, unless it was started meanwhile. */
  protected async takeTimeToStop(): Promise<void> {
    await this.#shutdown;
    await this.pace.wait('instanceStop');
    if (this.#state === 'stopping') this.enter('stopped');
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
