/** The app as the CDK CLI runs it: a process of its own. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAssembly } from './assembly.ts';
import { exampleFile } from './clusters.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const project = join(import.meta.dirname, '../..');
const { app, context } = JSON.parse(readFileSync(join(project, 'cdk.json'), 'utf8')) as {
  app: string;
  context: object;
};

/** Runs the app of `cdk.json` without credentials. */
function synthesizeInProcess(ownContext: object, directory = temporaryDirectory()) {
  const run = spawnSync(app, {
    cwd: project,
    shell: true,
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      // What Node.js compiled of the CDK before: half of a synthesis without it.
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
      // Another temporary directory each time: nothing of it may get into the assembly.
      TMPDIR: temporaryDirectory(),
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, ...ownContext }),
    },
  });
  return { ...run, directory };
}

const exampleNetwork = (): object =>
  (JSON.parse(readFileSync(exampleFile, 'utf8')) as { network: object }[])[0]?.network ?? {};

/** A clusters file with these clusters, each the example with some keys replaced. */
function clustersFile(...changes: object[]): string {
  const [example] = JSON.parse(readFileSync(exampleFile, 'utf8')) as object[];
  const file = join(temporaryDirectory(), 'clusters.json');
  writeFileSync(file, JSON.stringify(changes.map((change) => ({ ...example, ...change }))));
  return file;
}

it('synthesizes the same assembly twice: only a change redeploys anything', () => {
  const [first, second] = [synthesizeInProcess({}), synthesizeInProcess({})];
  expect(first.stderr).toBe('');
  expect(first.status).toBe(0);
  expect(readdirSync(second.directory)).toEqual(readdirSync(first.directory));
  for (const file of ['pg-sync.template.json', 'pg-sync.assets.json']) {
    expect(readFileSync(join(second.directory, file), 'utf8')).toBe(readFileSync(join(first.directory, file), 'utf8'));
  }
});

it('makes one stack per cluster of the file that the context names', () => {
  const nodes = ['0', '1'].map((digit) => ({
    name: `node-${digit}`,
    instanceId: `i-0b1b2c3d4e5f6000${digit}`,
    address: `192.168.168.14${digit}`,
  }));
  const network = { ...exampleNetwork(), nodeSecurityGroupId: 'sg-0fedcba9876543210' };
  const { directory, stderr } = synthesizeInProcess({ clusters: clustersFile({}, { name: 'second', nodes, network }) });
  expect(stderr).toBe('');
  expect(readAssembly(directory).map(({ name }) => name)).toEqual(['pg-sync', 'second']);
});

it('reports everything wrong with the file at once, in words, and writes nothing', () => {
  const { directory, status, stdout, stderr } = synthesizeInProcess({
    clusters: clustersFile({ name: 'Bad_Name', replication: { user: 'replica', count: 7 }, colour: 'blue' }),
  });
  expect(status).toBe(1);
  expect(stdout).toBe('');
  for (const problem of ['name', 'replication.count', 'colour']) expect(stderr).toContain(problem);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(readdirSync(directory)).toEqual([]);
});

it('says so when the file is not there', () => {
  const { status, stderr } = synthesizeInProcess({ clusters: '/nowhere/clusters.json' });
  expect(status).toBe(1);
  expect(stderr).toContain('/nowhere/clusters.json');
  expect(stderr).not.toMatch(/^\s+at /m);
});
