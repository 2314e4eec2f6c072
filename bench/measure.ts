/** Measuring: wall time of whole processes, and what many figures amount to. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program to its end and returns what it printed and how long it took. */
export async function timed(
  program: string,
  args: readonly string[],
  options: ExecFileOptions = {},
): Promise<{ seconds: number; output: string }> {
  const started = performance.now();
  const { stdout } = await run(program, args, { maxBuffer: 64 * 1024 * 1024, ...options });
  return { seconds: (performance.now() - started) / 1000, output: stdout.toString() };
}

/** The middle one of several figures. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The smallest figure that at least this share of all figures does not exceed (nearest rank): 0.95 of 30 is the 29th. */
export function percentile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}
