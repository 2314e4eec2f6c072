import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandScript } from '../../infra/documents/command-documents.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { nodeCommandNames } from '../../lambdas/contract/node-commands.ts';
import { clusterOf, facts, largestCluster } from '../documents/clusters.ts';
import { newerConstructs, newerConstructsIn } from './newer-constructs.ts';

const scripts = join(import.meta.dirname, '../../infra/documents/scripts');
const sources = readdirSync(scripts, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sh'));

describe('what hosts of CentOS 7 lack', () => {
  it.each(sources)('%s does without', (name) => {
    expect(newerConstructsIn(readFileSync(join(scripts, name), 'utf8').split('\n'))).toEqual([]);
  });

  it.each<[string, Cluster]>([
    ['systemd and TLS', clusterOf()],
    ['pg_ctl without TLS', clusterOf({ replication: { tls: false } })],
    ['as many nodes as there can be', largestCluster()],
  ])('the scripts of a cluster with %s do without, as hosts run them', (_, cluster) => {
    for (const command of nodeCommandNames) {
      expect(newerConstructsIn(commandScript(cluster, facts, command)), command).toEqual([]);
    }
  });

  it.each(newerConstructs)('$name is found, and what looks like it is not', ({ pattern, examples, right = [] }) => {
    expect(examples).not.toEqual([]);
    expect(examples.filter((line) => !pattern.test(line))).toEqual([]);
    expect(right.filter((line) => pattern.test(line))).toEqual([]);
  });

  it('says where it is, since when it exists and what to write instead', () => {
    expect(newerConstructsIn(['f() {', '  # local -n is explained here', '  local -n x=$1', '}'])).toEqual([
      { line: 3, text: 'local -n x=$1', problem: expect.stringMatching(/^nameref: since bash 4\.3; write /) },
    ]);
  });

  it.each([
    ['f() {', 'local -a x=()', 'printf %s "${x[@]}"', '}'],
    ['f() {', 'echo "${x[*]}"', '}'],
    ['f() {', 'x=(a)', '}', 'g() {', 'echo "${x[@]}"', '}'],
  ])('an array that may be empty is found: %s %s %s', (...lines) => {
    expect(newerConstructsIn(lines)).toEqual([
      { line: expect.any(Number), text: expect.stringContaining('x['), problem: expect.stringContaining('unbound') },
    ]);
  });

  it.each([
    ['f() {', 'local -a x=(-q)', 'echo "${x[@]}"', '}'],
    ['f() {', 'echo ${x[@]+"${x[@]}"} "${x[*]-}" ${#x[@]} "${!x[@]}"', '}'],
    ['f() {', 'if ((${#x[@]} > 0)); then', 'echo "${x[@]}"', 'fi', '}'],
    ['for node in "${NODES[@]}"; do'],
  ])('an array that has an element, or a value without one, is right: %s %s', (...lines) => {
    expect(newerConstructsIn(lines)).toEqual([]);
  });
});
