/** `npm run bench`: the figures that the project publishes. Takes some minutes; run it on a quiet machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import { bundleFigures } from './bundles.ts';
import { median, timed } from './measure.ts';
import { setupFigures } from './setup.ts';

/** Rows of about 1 kB: 1 GB of data. */
const gigabyteRows = 900_000;

const number = (value: number, digits: number) => ({ hAlign: 'right' as const, content: value.toFixed(digits) });
const plain = { style: { head: [], border: [] } };

const assembly = mkdtempSync(join(tmpdir(), 'bench-cdk-'));
try {
  const synths: number[] = [];
  for (let repeat = 0; repeat < 3; repeat += 1) {
    synths.push((await timed(resolve('node_modules/.bin/cdk'), ['synth', '--quiet', '--output', assembly])).seconds);
  }
  console.log(`cdk synth: ${median(synths).toFixed(1)} s (median of ${synths.length})\n`);

  const bundles = new Table({ head: ['function', 'KB', 'KB zipped', 'import ms'], ...plain });
  for (const { name, kilobytes, zippedKilobytes, importMilliseconds } of await bundleFigures(assembly)) {
    bundles.push([name, number(kilobytes, 0), number(zippedKilobytes, 0), number(importMilliseconds, 0)]);
  }
  console.log(`${bundles}\n`);
} finally {
  rmSync(assembly, { recursive: true, force: true });
}

const { empty, withData } = await setupFigures(gigabyteRows);
const setup = new Table({ head: ['setup', 'runbook s', 'by hand s', 'ratio'], ...plain });
for (const [what, figures] of [
  ['three empty nodes', empty],
  ['two standbys of 1 GB', withData],
] as const) {
  const { runbookSeconds, byHandSeconds } = figures;
  setup.push([what, number(runbookSeconds, 1), number(byHandSeconds, 1), number(runbookSeconds / byHandSeconds, 2)]);
}
console.log(`${setup}`);
