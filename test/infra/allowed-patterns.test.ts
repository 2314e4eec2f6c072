/** Every parameter's pattern of every document, as the SSM agent has it: compiled and applied as Go's regexp does. */
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { checkAllowedPatterns } from '../../infra/documents/allowed-patterns.ts';
import { commandDocuments } from '../../infra/documents/command-documents.ts';
import { clusterOf, facts, largestCluster } from '../documents/clusters.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { everyOption, example } from './clusters.ts';
import { all, templateOf } from './example-stacks.ts';

interface Content {
  readonly parameters: Readonly<Record<string, { readonly allowedPattern: string }>>;
}

const clusters = [example, everyOption, exampleCluster(), clusterOf(), largestCluster()];

describe('the agent compiles', () => {
  it('each pattern of each document of each example cluster', () => {
    for (const cluster of clusters) {
      const contents = commandDocuments(cluster, facts).map(({ content }) => content as Content);
      const patterns = contents.flatMap(({ parameters }) => Object.values(parameters));
      expect(patterns.length).toBeGreaterThan(80);
      for (const { allowedPattern } of patterns) expect(() => RE2JS.compile(allowedPattern)).not.toThrow();
    }
  });

  it.each([example, everyOption])('each pattern in the template of $name, where each parameter has one', (cluster) => {
    const contents = all(templateOf(cluster), 'AWS::SSM::Document').map(({ Content }) => Content as Content);
    expect(contents.length).toBeGreaterThan(0);
    for (const { parameters } of contents) {
      for (const { allowedPattern } of Object.values(parameters)) RE2JS.compile(allowedPattern);
    }
  });
});

describe('synthesis refuses', () => {
  it.each([
    ['more repeats than a thousand', '^[a-z]{8,2048}$', 'invalid repeat count'],
    ['repeats of repeats that are more together', '^(?:[a-z]{100}){100}$', 'invalid repeat count'],
    ['look-ahead', '^(?=a)[a-z]+$', 'invalid or unsupported Perl syntax'],
    ['look-behind', '^a(?<!b)$', 'invalid named capture'],
    ['a back-reference', '^(a)\\1$', 'invalid escape sequence'],
    ['JavaScript’s way to write a character', '^\\u0041$', 'invalid escape sequence'],
    ['JavaScript’s class of everything', '^[^]$', 'missing closing ]'],
    ['a possessive repeat', '^a++$', 'invalid nested repetition'],
  ])('%s, by name', (_what, allowedPattern, reason) => {
    const check = () => checkAllowedPatterns('pg-test-promote', { Node: { allowedPattern } });
    expect(check).toThrow(expect.objectContaining({ name: 'InvalidDocument' }));
    expect(check).toThrow(`Document pg-test-promote: the SSM agent cannot compile the allowedPattern of Node`);
    expect(check).toThrow(reason);
  });

  it.each(['^$', '^(?:|yes)$', '^[a-z]*$', ''])('a parameter that may be empty: %s', (allowedPattern) => {
    const check = () => checkAllowedPatterns('pg-test-promote', { Mode: { allowedPattern } });
    expect(check).toThrow(expect.objectContaining({ name: 'InvalidDocument' }));
    expect(check).toThrow('Document pg-test-promote: Mode may be empty');
  });

  it('a parameter that the agent passes over because of its name', () => {
    expect(() => checkAllowedPatterns('doc', { 'Not-After': { allowedPattern: '^a$' } })).toThrow(
      'Document doc: the SSM agent passes over the parameter Not-After',
    );
  });
});

/** A token of Step Functions has up to 2048 characters: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html */
it('a task token as long as Step Functions makes them passes, in every document', () => {
  for (const { content } of commandDocuments(exampleCluster(), facts)) {
    const pattern = RE2JS.compile((content as Content).parameters.TaskToken?.allowedPattern ?? '');
    expect(pattern.test(`AQCk${'Ab0+/='.repeat(340)}`.padEnd(2048, '='))).toBe(true);
    expect(pattern.test('short')).toBe(false);
  }
});
