/** Time of a synthesis, and the functions that it makes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleFigures } from './bundles.ts';
import { median, timed } from './measure.ts';
import { printTable } from './table.ts';

export async function functionFigures(): Promise<void> {
  const assembly = mkdtempSync(join(tmpdir(), 'bench-cdk-'));
  try {
    const synths: number[] = [];
    for (let repeat = 0; repeat < 3; repeat += 1) {
      synths.push((await timed(resolve('node_modules/.bin/cdk'), ['synth', '--quiet', '--output', assembly])).seconds);
    }
    console.log(`cdk synth: ${median(synths).toFixed(1)} s (median of ${synths.length})\n`);
    const bundles = await bundleFigures(assembly);
    printTable(
      ['function', 'KB', 'KB zipped', 'import ms'],
      bundles.map(({ name, kilobytes, zippedKilobytes, importMilliseconds }) => [
        name,
        kilobytes,
        zippedKilobytes,
        importMilliseconds,
      ]),
      0,
    );
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}
