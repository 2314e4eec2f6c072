/**
 * Loads a function's bundle as Lambda does and calls its handler again and again: program of its own, so that the
 * memory is the function's alone. Reads bundle, event and number of calls from a file, prints figures.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

export interface RunHandlerInput {
  readonly bundle: string;
  readonly event: unknown;
  readonly calls: number;
}

export interface RunHandlerFigures {
  readonly firstSeconds: number;
  /** Of each later call. */
  readonly seconds: readonly number[];
  readonly megabytes: number;
}

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node bench/run-handler.ts FILE');
const { bundle, event, calls }: RunHandlerInput = JSON.parse(readFileSync(file, 'utf8'));
// What the function logs is not wanted in the figures.
const print = console.log;
console.log = () => undefined;
const loaded = await import(pathToFileURL(bundle).href);
const handler: (event: unknown) => Promise<unknown> = loaded.handler ?? loaded.default.handler;
const seconds: number[] = [];
for (let call = 0; call < calls; call += 1) {
  const started = performance.now();
  await handler(event);
  seconds.push((performance.now() - started) / 1000);
}
const [firstSeconds = Number.NaN, ...rest] = seconds;
const figures: RunHandlerFigures = {
  firstSeconds,
  seconds: rest,
  megabytes: process.resourceUsage().maxRSS / 1024,
};
print(JSON.stringify(figures));
