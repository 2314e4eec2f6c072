import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandDocuments, commandScript } from '../../infra/documents/command-documents.ts';
import { fittingContents, packedScript } from '../../infra/documents/packing.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { clusterOf, facts, largestCluster } from '../documents/clusters.ts';

const scriptOf = (content: object) =>
  (content as { mainSteps: { inputs: { runCommand: string[] } }[] }).mainSteps[0]?.inputs.runCommand ?? [];
const run = (script: readonly string[]) => execFileSync('bash', ['-c', script.join('\n')], { encoding: 'utf8' });

describe('documents that would not fit', () => {
  it('run what they ran, with everything that quoting can get wrong', () => {
    const script = [
      '#!/bin/bash',
      "NODE='{{ Node }}'",
      'f() {',
      `printf '%s|' "$NODE" 'a b' '"' \\\\ '$x' "$#" "\${BASH_VERSINFO[0]}"`,
      '}',
      'f 1 2',
      'exit 3',
    ];
    const packed = packedScript(script, 2);
    expect(packed.slice(0, 2)).toEqual(script.slice(0, 2));
    expect(run(['(', ...script, ') || true'])).toBe(run(['(', ...packed, ') || true']));
  });

  it('are none of an ordinary cluster: people read those', () => {
    for (const { command, content } of commandDocuments(clusterOf(), facts))
      expect(scriptOf(content), command).toEqual(commandScript(clusterOf(), facts, command));
  });

  it('are the largest ones of a large cluster, and no more than needed', () => {
    const packed = commandDocuments(largestCluster(), facts).filter(({ content }) => scriptOf(content).includes('END'));
    expect(packed.map(({ command }) => command)).toContain('start-standby');
    expect(packed.length).toBeLessThan(nodeCommandNames.length);
  });

  it('keep their parameters where SSM finds them', () => {
    for (const { content } of commandDocuments(largestCluster(), facts))
      expect(scriptOf(content).findLastIndex((line) => line.includes('{{'))).toBeLessThan(
        scriptOf(content).indexOf('layout'),
      );
  });

  it('are packed from the largest on until all fit together', () => {
    const document = (bytes: number) => {
      const script = ['layout', 'x'.repeat(bytes)];
      return { script, head: 1, contentWith: (lines: readonly string[]) => ({ lines }) };
    };
    const sizes = fittingContents(
      [500, 60_000, 61_000, 59_000].flatMap((bytes) => Array.from({ length: 5 }, () => document(bytes))),
    ).map((content) => JSON.stringify(content).length);
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(900_000);
    expect(sizes.filter((bytes) => bytes > 50_000).length).toBeGreaterThan(5);
  });
});
