import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundleForCluster, bundleFunctions } from '../../infra/bundle-functions.ts';
import { handlerNames } from '../../infra/handler-names.ts';
import { everyOption, example } from './clusters.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const { bundles } = bundleFunctions();
const project = join(import.meta.dirname, '../..');

/** Every variable that a function may ask for when it starts; the values do not matter here. */
const environment = {
  AWS_REGION: 'us-east-1',
  STATE_TABLE: 't',
  OBSERVER_FUNCTION: 'f',
  MONITORING_SECRET_ID: 's',
  CHECKS_QUEUE_URL: 'u',
  TOPIC_ARN: 'n',
  RUNBOOK_ARN_PREFIX: 'p',
};

describe.each(handlerNames)('the bundle of %s', (handler) => {
  const code = bundleForCluster(bundles, handler, everyOption);

  it('starts by itself, without node_modules', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, handler));
    writeFileSync(join(directory, handler, 'index.js'), code);
    const run = spawnSync(process.execPath, ['-p', `typeof require('./${handler}').handler`], {
      cwd: directory,
      encoding: 'utf8',
      env: environment,
    });
    expect([run.stderr, run.stdout]).toEqual(['', 'function\n']);
  });

  it('holds no path of this machine', () => {
    expect(code).not.toContain(project);
  });

  it('is small enough to start quickly', () => {
    expect(gzipSync(code).length).toBeLessThan(300_000);
  });
});

it('builds in the configuration of one cluster, and of no other', () => {
  const code = bundleForCluster(bundles, 'run-node-command', everyOption);
  for (const { instanceId } of everyOption.nodes) expect(code).toContain(instanceId);
  for (const { instanceId } of example.nodes) expect(code).not.toContain(instanceId);
});

it('gives a function that never asks for the configuration none', () => {
  expect(bundleForCluster(bundles, 'complete-node-command', everyOption)).toBe(
    bundleForCluster(bundles, 'complete-node-command', example),
  );
});

it('keeps a configuration whole, whatever characters it is made of', () => {
  const directory = temporaryDirectory();
  const tricky = { ...example, name: `"'\`\\$\u2028</script>` };
  const line = bundleForCluster(bundles, 'plan-setup', tricky).split('\n')[0];
  writeFileSync(join(directory, 'line.js'), `${line}process.stdout.write(__CLUSTER__)`);
  const { stdout } = spawnSync(process.execPath, [join(directory, 'line.js')], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual(tricky);
});
