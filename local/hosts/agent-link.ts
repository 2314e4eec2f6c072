/** The way between AWS and the SSM agent of a host, which can be cut while the host goes on. */
export class AgentLink {
  #cut = false;
  #cutSince = new Date();
  readonly #listeners: (() => void)[] = [];

  /** True while nothing gets through. */
  get isCut(): boolean {
    return this.#cut;
  }

  /** When it was cut last. */
  get cutSince(): Date {
    return this.#cutSince;
  }

  /** Cuts the link or mends it; listeners hear when it is mended. */
  setCut(cut: boolean): void {
    if (cut === this.#cut) return;
    this.#cut = cut;
    if (cut) this.#cutSince = new Date();
    else for (const listener of this.#listeners) listener();
  }

  /** Calls back whenever the link has been mended. */
  onMended(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
