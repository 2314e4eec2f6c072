import { execFileSync } from 'node:child_process';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { clusterLayout, quoted } from '../../infra/documents/cluster-layout.ts';
import { commandDocuments, commandScript, documentSizeLimit } from '../../infra/documents/command-documents.ts';
import { errorNames } from '../../lambdas/contract/errors.ts';
import { nodeCommandNames, nodeCommands } from '../../lambdas/contract/node-commands.ts';
import { clusterOf, facts, largestCluster } from './clusters.ts';

interface Content {
  schemaVersion: string;
  parameters: Record<string, { type: string; description: string; allowedPattern: string }>;
  mainSteps: { action: string; precondition: object; inputs: { timeoutSeconds: string; runCommand: string[] } }[];
}

const documents = commandDocuments(clusterOf(), facts).map((document) => ({
  ...document,
  content: document.content as Content,
}));
const everyParameter = documents.flatMap(({ command, content }) =>
  Object.entries(content.parameters).map(([name, parameter]) => ({ command, name, ...parameter })),
);

describe('command documents', () => {
  it('are one for each node command, named after cluster and command', () => {
    expect(documents.map(({ command }) => command)).toEqual(nodeCommandNames);
    expect(documents.map(({ name }) => name)).toContain('pg-test-take-base-backup');
  });

  it.each(documents)('$command runs on Linux only, with its own time limit', ({ command, content }) => {
    expect(content.schemaVersion).toBe('2.2');
    expect(content.mainSteps).toMatchObject([
      {
        action: 'aws:runShellScript',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: `${nodeCommands[command].executionTimeoutSeconds}` },
      },
    ]);
  });

  it.each(everyParameter)('$command: $name has a pattern for the whole value', ({ type, allowedPattern }) => {
    expect(type).toBe('String');
    expect(allowedPattern).toMatch(/^\^.*\$$/s);
    expect(allowedPattern).not.toContain('$NODES');
  });

  it.each(everyParameter)('$command: no value of $name can leave its quotes or its line', ({ allowedPattern }) => {
    const pattern = RE2JS.compile(allowedPattern);
    const values = [
      'alpha',
      'beta.1',
      '-',
      '1234567890',
      '7',
      'AQCEAAAAKgAAAAMAAAAAAAAAAe+/=x',
      'FIRST 1 ("alpha")',
      'clean',
      'yes',
      '0/3000148',
    ];
    const valid = values.filter((value) => pattern.test(value));
    expect(valid).not.toEqual([]);
    for (const value of valid) {
      for (const evil of ["'", '`', '$(id)', '\n', ';', '\\', '|', '&', '{{ Node }}', "'; id #"]) {
        expect(pattern.test(value + evil), `${value} + ${evil}`).toBe(false);
        expect(pattern.test(evil + value), `${evil} + ${value}`).toBe(false);
        expect(pattern.test(value.slice(0, 1) + evil + value.slice(1)), `${evil} in ${value}`).toBe(false);
      }
    }
  });

  it('take only nodes of the cluster as nodes, a dot in a name being a dot', () => {
    const pattern = RE2JS.compile(documents[0]?.content.parameters.Node?.allowedPattern ?? '');
    expect(['alpha', 'beta.1', 'gamma'].filter((name) => pattern.test(name))).toEqual(['alpha', 'beta.1', 'gamma']);
    expect(['beta', 'betax1', 'delta', '', 'alpha\n'].filter((name) => pattern.test(name))).toEqual([]);
  });

  it.each(documents)('$command: parameters are put between quotes in the header, and nowhere else', ({ content }) => {
    const lines = content.mainSteps[0]?.inputs.runCommand ?? [];
    expect(lines[0]).toBe('#!/bin/bash');
    const substituted = lines.filter((line) => line.includes('{{'));
    expect(substituted).toEqual(
      Object.keys(content.parameters).map((name) =>
        expect.stringMatching(new RegExp(`^[A-Z_]+='\\{\\{ ${name} \\}\\}'$`)),
      ),
    );
  });

  it('fit into SSM’s limit for the largest cluster with the longest names', () => {
    for (const { command, content } of commandDocuments(largestCluster(), facts)) {
      expect(Buffer.byteLength(JSON.stringify(content)), command).toBeLessThan(documentSizeLimit);
    }
  });

  it('name errors of the contract only', () => {
    const used = nodeCommandNames.flatMap((command) =>
      commandScript(clusterOf(), facts, command).flatMap((line) => [
        ...line.matchAll(/\b(?:fail|sql_failed|report_failure) ([A-Z]\w+)/g),
      ]),
    );
    expect(used.length).toBeGreaterThan(20);
    expect([...new Set(used.map(([, name]) => name))].filter((name) => !errorNames.includes(name as never))).toEqual(
      [],
    );
  });
});

describe('the layout', () => {
  it.each(["it's", '$HOME', '`id`', '"', '\\', 'a b', '!!', '*', "''"])('quotes %s as one word of bash', (text) => {
    expect(execFileSync('bash', ['-c', `printf %s ${quoted(text)}`], { encoding: 'utf8' })).toBe(text);
  });

  it('gives bash each node’s own values and the values of the deployment', () => {
    const show = [
      'echo "$REPLICATION_SECRET"',
      'for node in "${NODES[@]}"; do echo "$node ${NODE_PORT[$node]} ${NODE_DATA_DIRECTORY[$node]} ${NODE_SLOT[$node]} ${NODE_CONNECTS_FROM[$node]}"; done',
      'echo "${#SETTING_NAMES[@]} ${SETTING_NAMES[0]}=${SETTING_VALUES[0]} ${SETTING_RULES[0]} ${SETTING_ACCEPTED[0]}"',
    ];
    const layout = clusterLayout(clusterOf(), { ...facts, replicationSecretId: "odd'$(id)secret" }, show);
    const output = execFileSync('bash', ['-euc', [...layout, ...show].join('\n')], { encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual([
      "odd'$(id)secret",
      'alpha 5432 /data/alpha alpha 192.168.100.100',
      'beta.1 5433 /data/shared beta_1 192.168.100.101',
      'gamma 5432 /data/shared gamma 10.0.0.99',
      'Delta-2.x 5432 /data/shared delta_2_x 192.168.100.103',
      expect.stringMatching(/^\d+ wal_level=replica one-of replica,logical$/),
    ]);
  });
});
