/** No generated password stands in a document parameter, an output, a log, a process list or a history. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import { paginateListCommandInvocations, paginateListCommands } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';

/** Command lines and environments of every process that we may look at, taken over and over until stopped. */
function watchProcesses(): { stop: () => string } {
  const seen = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      for (const file of ['cmdline', 'environ']) {
        try {
          seen.add(readFileSync(`/proc/${pid}/${file}`, 'utf8'));
        } catch {
          // The process has ended, or is not ours to look at.
        }
      }
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen].join('\n');
    },
  };
}

it('keeps passwords out of everything that is kept or shown', async () => {
  await using runtime = await LocalRuntime.start({ clusters: [notesCluster({ postgres: { majorVersion: 15 } })] });
  const { clients, cluster, directory } = runtime;
  const names = resourceNames(cluster.name);
  const secrets = await Promise.all(
    [names.replicationSecret, names.monitoringSecret].map(async (SecretId) => {
      const { SecretString = '{}' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
      return String(JSON.parse(SecretString).password);
    }),
  );
  expect(secrets.every((password) => password.length >= 32)).toBe(true);

  const processes = watchProcesses();
  const executionArn = await startRunbook(clients, cluster.name, 'setup');
  const outcome = await awaitRunbook(clients, cluster.name, executionArn, 240);
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  // What PostgreSQL would log if it were told to log everything.
  await superuserSql(cluster, nodeNamed(cluster, 'pg_sync_master'), 'alter system set log_statement = all');

  const places = new Map<string, string>([
    ['process list', processes.stop()],
    ['runtime output', runtime.output],
    ['execution', JSON.stringify(outcome)],
  ]);
  for await (const { events } of paginateGetExecutionHistory({ client: clients.sfn }, { executionArn })) {
    places.set('execution history', JSON.stringify(events));
  }
  for await (const { Commands } of paginateListCommands({ client: clients.ssm }, {})) {
    places.set('commands and parameters', JSON.stringify(Commands));
  }
  for await (const { CommandInvocations } of paginateListCommandInvocations(
    { client: clients.ssm },
    { Details: true },
  )) {
    places.set('command output', JSON.stringify(CommandInvocations));
  }
  for (const tree of ['logs', 'ssm', 'cdk.out', 'executions', 'mail']) {
    for (const path of filesBelow(join(directory, tree))) places.set(path, readFileSync(path, 'latin1'));
  }
  for (const { name } of cluster.nodes) {
    const data = nodeNamed(cluster, name).dataDirectory ?? '';
    for (const path of [...filesBelow(data), ...filesBelow(`${data}.runbook`)]) {
      if (!path.endsWith('/pgpass')) places.set(path, readFileSync(path, 'latin1'));
    }
  }
  const leaks = [...places]
    .filter(([, text]) => secrets.some((password) => text.includes(password)))
    .map(([place]) => place);
  expect(leaks).toEqual([]);
}, 300_000);

function filesBelow(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
