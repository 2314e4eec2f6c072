/** What the rehearsal prints: steady lines for a log, a spinner and colours on a terminal. */
import ora, { type Ora } from 'ora';
import colours from 'picocolors';

/** Result of one scenario. */
export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
  /** Why it failed; null when it passed. */
  readonly failure: string | null;
}

/** Prints a rehearsal as it goes. */
export class RehearsalReport {
  readonly #spinner: Ora = ora({ stream: process.stdout, color: 'cyan', indent: 2 });
  readonly #started = performance.now();

  heading(text: string): void {
    console.log(`\n${colours.bold(text)}`);
  }

  /** A line about what is going on; on a terminal the next one takes its place. */
  progress(text: string): void {
    if (process.stdout.isTTY) this.#spinner.start(text);
    else console.log(`  ${this.#clock()}  ${text}`);
  }

  /** Something to keep: a table, a refusal. */
  show(text: string): void {
    this.#spinner.stop();
    console.log(text.replace(/^/gm, '    '));
  }

  result({ title, id, seconds, failure }: ScenarioResult): void {
    this.#spinner.stop();
    const mark = failure === null ? colours.green('passed') : colours.red('FAILED');
    console.log(`  ${mark}  ${id}  ${title} (${seconds.toFixed(1)} s)`);
    if (failure !== null) console.log(colours.red(failure.replace(/^/gm, '    ')));
  }

  summary(results: readonly ScenarioResult[]): void {
    const width = Math.max(...results.map(({ id }) => id.length));
    this.heading('Summary');
    for (const { id, title, seconds, failure } of results) {
      const mark = failure === null ? colours.green('passed') : colours.red('FAILED');
      console.log(`  ${mark}  ${id.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${title}`);
    }
    const failed = results.filter(({ failure }) => failure !== null).length;
    console.log(`\n  ${results.length - failed} of ${results.length} scenarios passed in ${this.#clock().trim()}`);
  }

  #clock(): string {
    return `${((performance.now() - this.#started) / 1000).toFixed(1).padStart(6)} s`;
  }
}
