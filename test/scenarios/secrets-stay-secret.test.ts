/** No generated password stands in a document parameter, an output, a log, a process list or a history. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
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
  await using runtime = await LocalRuntime.start({ clusters: [notesCluster()] });
  const { clients, cluster, directory } = runtime;
  const names = resourceNames(cluster.name);
  const passwordOf = async (SecretId: string) => {
    const { SecretString = '{}' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
    return String(JSON.parse(SecretString).password);
  };
  const rotated = 'Rotated0by1the2operator3with4awkward5characters:\\\'"$';
  const secrets = [await passwordOf(names.replicationSecret), await passwordOf(names.monitoringSecret), rotated];
  expect(secrets.every((password) => password.length >= 32)).toBe(true);

  const processes = watchProcesses();
  const executions = [await startRunbook(clients, cluster.name, 'setup')];
  const first = await awaitRunbook(clients, cluster.name, executions[0] ?? '', 240);
  expect(first, JSON.stringify(first)).toMatchObject({ status: 'SUCCEEDED' });
  // The password is changed while PostgreSQL logs every statement: nothing but a verifier may reach it.
  const primary = nodeNamed(cluster, 'pg_sync_master');
  await superuserSql(cluster, primary, "alter system set log_statement = 'all'");
  await superuserSql(cluster, primary, 'select pg_reload_conf()');
  await clients.secrets.send(
    new PutSecretValueCommand({
      SecretId: names.replicationSecret,
      SecretString: JSON.stringify({ username: cluster.replication.user, password: rotated }),
    }),
  );
  executions.push(await startRunbook(clients, cluster.name, 'setup'));
  const outcome = await awaitRunbook(clients, cluster.name, executions[1] ?? '', 240);
  expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED' });
  const logged = readFileSync(`${primary.dataDirectory}.runbook/postgresql.log`, 'utf8');
  expect(logged).toMatch(/ALTER (USER|ROLE) "?replica"? PASSWORD 'SCRAM-SHA-256\$/);

  const places = new Map<string, string>([
    ['process list', processes.stop()],
    ['runtime output', runtime.output],
    ['execution', JSON.stringify([first, outcome])],
  ]);
  for (const executionArn of executions) {
    for await (const { events } of paginateGetExecutionHistory({ client: clients.sfn }, { executionArn })) {
      places.set(`execution history ${executionArn}`, JSON.stringify(events));
    }
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
    .filter(([, text]) =>
      secrets.some((password) => text.includes(password) || text.includes(JSON.stringify(password).slice(1, -1))),
    )
    .map(([place]) => place);
  expect(leaks).toEqual([]);
});

function filesBelow(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
