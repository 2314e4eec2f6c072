/** Commands that an agent runs at once: DefaultCommandWorkersLimit in agent/appconfig/constants.go of its source. */
const mostAtOnce = 5;

/** The agent's workers of one host, from one boot to the next. Whoever finds none free waits, first come, first served. */
export class Workers {
  #free = mostAtOnce;
  readonly #waiting: (() => void)[] = [];

  /** Resolves when a worker is free, which then is taken. */
  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a worker to the next. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
