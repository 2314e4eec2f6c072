/** What setup refuses: with a stable name, the reason and the remedy, and nothing changed on any host. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../../local/client/runbook-run.ts';
import { treeDifference, treeSnapshot } from '../../local/client/tree-snapshot.ts';
import { nodesNamed, notesCluster } from '../support/clusters.ts';
import { installedPostgres } from '../support/installed-postgres.ts';
import { directoryOfTest, LocalRuntime } from '../support/local-runtime.ts';

/** Runs setup of a cluster, expects a refusal, and nothing on any host to have changed. */
async function refusal(
  runtime: LocalRuntime,
  cluster = runtime.cluster.name,
): Promise<Extract<RunbookOutcome, { error: string }>> {
  const nodes = join(runtime.directory, 'nodes');
  const before = treeSnapshot(nodes);
  const outcome = await runRunbook(runtime.clients, cluster, 'setup', 120);
  expect(treeDifference(before, treeSnapshot(nodes))).toEqual([]);
  if (outcome.status === 'SUCCEEDED') throw new Error('setup was not refused');
  return outcome;
}

describe('on empty hosts', () => {
  let runtime: LocalRuntime;
  beforeAll(async () => {
    const nodes = nodesNamed(
      ...['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'],
      ...['small_primary', 'small_standby', 'unknown_primary', 'unknown_standby'],
    );
    runtime = await LocalRuntime.start({
      clusters: [
        notesCluster({ nodes: nodes.slice(0, 3) }),
        notesCluster({ name: 'small', nodes: nodes.slice(3, 5), policy: { minimumFreeMiB: 1_000_000_000 } }),
        notesCluster({ name: 'unknown', nodes: nodes.slice(5) }),
      ],
      args: ['--without-agent', 'unknown_standby'],
    });
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  it('refuses a non-empty data directory and an unreachable primary, both in one error', async () => {
    const { cluster, clients } = runtime;
    const slave02 = nodeNamed(cluster, 'pg_sync_slave02');
    const directory = slave02.dataDirectory ?? '';
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'precious'), 'data');
    const only = await refusal(runtime);
    expect(only).toMatchObject({ status: 'FAILED', error: 'DataDirectoryNotEmpty' });
    expect(only.cause).toMatch(/pg_sync_slave02: .*not empty.*precious[\s\S]*Nothing was deleted/);

    await clients.ec2.send(
      new StopInstancesCommand({ InstanceIds: [nodeNamed(cluster, 'pg_sync_master').instanceId] }),
    );
    const both = await refusal(runtime);
    expect(both.error).toBe('PreflightFailed');
    expect(both.cause).toMatch(/pg_sync_master: PrimaryUnreachable: /);
    expect(both.cause).toMatch(/pg_sync_slave02: DataDirectoryNotEmpty: /);
  });

  it('refuses a secret that names another user', async () => {
    const SecretId = resourceNames(runtime.cluster.name).replicationSecret;
    const { SecretString = '{}' } = await runtime.clients.secrets.send(new GetSecretValueCommand({ SecretId }));
    const changed = JSON.stringify({ ...JSON.parse(SecretString), username: 'iiii' });
    await runtime.clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: changed }));
    const { cause } = await refusal(runtime);
    expect(cause).toMatch(/ReplicationUserRefused: The replication secret names the user "iiii"/);
    await runtime.clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  });

  it('refuses input that it does not know', async () => {
    const { StartExecutionCommand } = await import('@aws-sdk/client-sfn');
    const { awaitRunbook, runbookArn } = await import('../../local/client/runbook-run.ts');
    const stateMachineArn = await runbookArn(runtime.clients, 'pg-sync', 'setup');
    const { executionArn = '' } = await runtime.clients.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: '{"nod":"x"}' }),
    );
    const outcome = await awaitRunbook(runtime.clients, 'pg-sync', executionArn, 30);
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'InvalidInput', cause: expect.stringContaining('nod') });
  });

  it('refuses too small a disk', async () => {
    expect(await refusal(runtime, 'small')).toMatchObject({
      status: 'FAILED',
      error: 'DiskTooSmall',
      cause: expect.stringMatching(/MiB are free; .* need/),
    });
  });

  it('refuses an instance that SSM does not know', async () => {
    expect(await refusal(runtime, 'unknown')).toMatchObject({
      status: 'FAILED',
      error: 'InstanceUnknownToSsm',
      cause: expect.stringContaining('unknown_standby'),
    });
  });
});

describe('of hosts with another PostgreSQL, or none', () => {
  /** A bin directory whose PostgreSQL says that it is another version, or is not there. */
  function binDirectory(version: string | null): string {
    const directory = directoryOfTest('bin-');
    if (version !== null) {
      const program = join(directory, 'postgres');
      writeFileSync(program, `#!/bin/sh\necho "postgres (PostgreSQL) ${version}"\n`);
      chmodSync(program, 0o755);
    }
    return directory;
  }

  const { majorVersion } = installedPostgres();

  it.each([
    ['no PostgreSQL is installed', null, 'PostgresNotInstalled', /There is no PostgreSQL server in/],
    [
      'another major version is installed',
      '11.22',
      'PreflightFailed',
      new RegExp(`WrongPostgresVersion: .*holds PostgreSQL 11\\.22; clusters\\.json says ${majorVersion}`),
    ],
  ])('%s', async (_title, version, error, words) => {
    const bin = binDirectory(version);
    await using runtime = await LocalRuntime.start({
      clusters: [notesCluster()],
      args: ['--postgres-bin', `${majorVersion}=${bin}`],
    });
    const outcome = await refusal(runtime);
    expect(outcome).toMatchObject({ status: 'FAILED', error });
    expect(outcome.cause).toMatch(words);
  });
});
