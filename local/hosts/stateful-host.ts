/** What hosts of both kinds have in common: a state that others hear of, and an agent that the network may cut off. */
import { AgentLink } from './agent-link.ts';
import type { HostFacts, HostState } from './host.ts';

export abstract class StatefulHost {
  readonly facts: HostFacts;
  readonly agentLink = new AgentLink();
  readonly #listeners: ((state: HostState) => void)[] = [];
  #state: HostState = 'stopped';
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

  get agentOnline(): boolean {
    return this.#state === 'running' && !this.agentLink.isCut;
  }

  get lastSeen(): Date {
    if (this.agentOnline) return new Date();
    return this.#state === 'running' ? this.agentLink.cutSince : this.#lastSeen;
  }

  onStateChange(listener: (state: HostState) => void): void {
    this.#listeners.push(listener);
  }

  /** As EC2 does: a reboot is no launch. */
  protected enter(state: HostState): void {
    if (state === this.#state) return;
    if (this.#state === 'running') this.#lastSeen = new Date();
    if (this.#state === 'stopped') this.#launched = new Date();
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
