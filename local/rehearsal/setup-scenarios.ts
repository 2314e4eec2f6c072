/** The scenarios of the notes up to a running synchronous cluster (S1 to S6), and the refusals that belong to them. */
import { chownSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { managedSettings } from '../../lambdas/contract/postgres-settings.ts';
import { dataDirectoryOf, hostPath, type LocalCluster, serverLog } from '../client/host-access.ts';
import { superuserSql } from '../client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../client/runbook-run.ts';
import { hostsSnapshot, treeDifference } from '../client/tree-snapshot.ts';
import { check, type RehearsalContext, type Scenario } from './context.ts';

/** A setup of three empty hosts takes seconds; this is for a slow machine. */
const setupLimitSeconds = 300;

const setup = ({ clients, cluster, patience, tell }: RehearsalContext) =>
  runRunbook(clients, cluster.name, 'setup', patience * setupLimitSeconds, tell);

function succeeded(outcome: RunbookOutcome): Extract<RunbookOutcome, { status: 'SUCCEEDED' }> {
  check(
    outcome.status === 'SUCCEEDED',
    'the runbook to succeed',
    'cause' in outcome ? `${outcome.error}: ${outcome.cause}` : outcome,
  );
  return outcome;
}

/** Runs setup, expects it to be refused with `error`, and nothing on any host to have changed. */
async function refusedSetup(context: RehearsalContext, error: string, words: RegExp): Promise<void> {
  const before = hostsSnapshot(context.cluster);
  const outcome = await setup(context);
  check(outcome.status === 'FAILED', 'setup to be refused', outcome);
  context.show(`${outcome.error}\n${outcome.cause}`);
  check(outcome.error === error, `the error ${error}`, outcome.error);
  check(words.test(outcome.cause), `a cause with ${words}`, outcome.cause);
  const changed = treeDifference(before, hostsSnapshot(context.cluster));
  check(changed.length === 0, 'nothing to change on any host', changed);
}

function firstOf({ nodes }: Cluster): ClusterNode {
  const [first] = nodes;
  if (first === undefined) throw new RangeError('a cluster has at least two nodes');
  return first;
}

function lastOf(cluster: Cluster): ClusterNode {
  return cluster.nodes.at(-1) ?? firstOf(cluster);
}

const standbysOf = (cluster: Cluster) => cluster.nodes.slice(1);

const nonEmptyDirectory: Scenario = {
  id: 'S4',
  title: 'A standby’s data directory that is not empty is refused, nothing is deleted',
  async run(context) {
    const node = lastOf(context.cluster);
    const directory = hostPath(context.cluster, node, dataDirectoryOf(context.cluster, node));
    const file = join(directory, 'something-of-value.txt');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(file, 'not ours to delete\n');
    const { uid, gid } = statSync(dirname(directory));
    for (const path of [directory, file]) chownSync(path, uid, gid);
    await refusedSetup(context, 'DataDirectoryNotEmpty', /something-of-value\.txt/);
    check(existsSync(file), 'the file to be there still', 'it is gone');
    rmSync(directory, { recursive: true });
  },
};

const setUp: Scenario = {
  id: 'setup',
  title: 'The setup runbook makes one primary and its standbys',
  async run(context) {
    const { seconds, output } = succeeded(await setup(context));
    context.show(
      `${(output.replication as string[]).join('\n')}\n\nsynchronous_standby_names = ${output.synchronousStandbyNames}\nset up in ${seconds.toFixed(1)} s`,
    );
  },
};

/** Each managed setting with its live value, compared as sizes and times rather than as text. */
async function liveSettings(cluster: LocalCluster): Promise<{ name: string; live: string; equal: boolean }[]> {
  const wanted = managedSettings(cluster).map(({ name, value }) => `('${name}', '${value}')`);
  const rows = await superuserSql(
    cluster,
    firstOf(cluster),
    `select name, current_setting(name), case
         when unit in ('kB', '8kB', 'MB') then pg_size_bytes(current_setting(name)) = pg_size_bytes(wanted)
         when unit in ('ms', 's') then current_setting(name)::interval = wanted::interval
         else current_setting(name) = wanted end
       from (values ${wanted.join(', ')}) as managed(name, wanted) join pg_settings using (name)`,
  );
  return rows.split('\n').map((row) => {
    const [name = '', live = '', equal] = row.split('|');
    return { name, live, equal: equal === 't' };
  });
}

const primaryConfigured: Scenario = {
  id: 'S1',
  title: 'The primary is configured: every managed value is live, nothing else has changed',
  async run({ cluster, show }) {
    const primary = firstOf(cluster);
    const settings = await liveSettings(cluster);
    check(settings.length === managedSettings(cluster).length, 'every managed setting to exist', settings);
    for (const { name, live, equal } of settings) check(equal, `${name} as configured`, live);
    const perNode = await superuserSql(
      cluster,
      primary,
      "select name, current_setting(name) from pg_settings where name in ('listen_addresses', 'port', 'synchronous_standby_names')",
    );
    const written = await superuserSql(
      cluster,
      primary,
      "select string_agg(distinct name, ' ' order by name) from pg_file_settings where sourcefile like '%postgresql.auto.conf'",
    );
    const known = new Set([
      ...managedSettings(cluster).map(({ name }) => name),
      ...['listen_addresses', 'port', 'unix_socket_directories', 'synchronous_standby_names'],
    ]);
    const others = written.split(' ').filter((name) => name !== '' && !known.has(name));
    check(others.length === 0, 'no other setting to be written', others);
    const rows = [
      ...settings.map(({ name, live }) => [name, live]),
      ...perNode.split('\n').map((row) => row.split('|')),
    ];
    show(rows.map(([name = '', live = '']) => `${name.padEnd(30)} ${live}`).join('\n'));
  },
};

const accessRules: Scenario = {
  id: 'S2',
  title: 'pg_hba.conf lets the replication user in from each node and nobody else',
  async run({ cluster, show }) {
    const primary = firstOf(cluster);
    const rules = await superuserSql(
      cluster,
      primary,
      `select concat_ws(' ', type, array_to_string(database, ','), array_to_string(user_name, ','), address, netmask, auth_method)
         from pg_hba_file_rules where 'replication' = any(database) order by line_number`,
    );
    show(rules);
    const sources = new Set(cluster.nodes.flatMap(({ address, connectsFrom }) => [address, connectsFrom ?? address]));
    for (const address of sources) {
      check(
        rules.split('\n').some((rule) => rule.includes(`${cluster.replication.user} ${address} 255.255.255.255`)),
        `a rule for ${cluster.replication.user} from ${address}/32`,
        rules,
      );
    }
    const errors = await superuserSql(
      cluster,
      primary,
      'select count(*) from pg_hba_file_rules where error is not null',
    );
    check(errors === '0', 'no error in pg_hba.conf', errors);
  },
};

const wrongUser: Scenario = {
  id: 'S2',
  title: 'A wrong replication user is refused, in PostgreSQL’s own words',
  async run(context) {
    const { clients, cluster } = context;
    const SecretId = resourceNames(cluster.name).replicationSecret;
    const { SecretString = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
    const wrong = JSON.stringify({ ...JSON.parse(SecretString), username: 'iiii' });
    await clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString: wrong }));
    try {
      await refusedSetup(
        context,
        'ReplicationUserRefused',
        /FATAL: {2}no pg_hba\.conf entry for replication connection from host "[^"]+", user "iiii"/,
      );
    } finally {
      await clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
    }
  },
};

const roleCreated: Scenario = {
  id: 'S3',
  title: 'The replication role exists and is nothing more than that',
  async run({ cluster, show }) {
    const role = await superuserSql(
      cluster,
      firstOf(cluster),
      `select concat_ws(' ', rolname, 'login=' || rolcanlogin, 'replication=' || rolreplication, 'superuser=' || rolsuper, 'createrole=' || rolcreaterole, 'createdb=' || rolcreatedb)
         from pg_roles where rolname = '${cluster.replication.user}'`,
    );
    show(role);
    check(
      role ===
        `${cluster.replication.user} login=true replication=true superuser=false createrole=false createdb=false`,
      'LOGIN and REPLICATION only',
      role,
    );
  },
};

const standbyIdentity: Scenario = {
  id: 'S5',
  title: 'Each standby streams under its own name',
  async run({ cluster, show }) {
    const lines: string[] = [];
    for (const node of standbysOf(cluster)) {
      const directory = hostPath(cluster, node, dataDirectoryOf(cluster, node));
      check(existsSync(join(directory, 'standby.signal')), `standby.signal on ${node.name}`, 'there is none');
      const conninfo = await superuserSql(cluster, node, 'show primary_conninfo');
      check(
        /application_name=\S+/.test(conninfo) && conninfo.includes(node.name),
        `application_name=${node.name}`,
        conninfo,
      );
      check(!/password/.test(conninfo), 'no password in primary_conninfo', conninfo);
      const receiver = await superuserSql(cluster, node, 'select status from pg_stat_wal_receiver');
      check(receiver === 'streaming', `${node.name} to stream`, receiver);
      lines.push(`${node.name}: ${conninfo}`);
    }
    show(lines.join('\n'));
  },
};

const synchronousStates: Scenario = {
  id: 'S6',
  title: 'pg_stat_replication shows the synchronous states of the rule, and a durable write returns',
  async run({ cluster, show }) {
    const primary = firstOf(cluster);
    const rows = await superuserSql(
      cluster,
      primary,
      "select application_name || ' ' || sync_state from pg_stat_replication",
    );
    const states = new Map(rows.split('\n').map((row) => row.split(' ') as [string, string]));
    const { method, count } = cluster.replication;
    standbysOf(cluster).forEach(({ name }, index) => {
      const expected = method === 'ANY' ? 'quorum' : index < count ? 'sync' : 'potential';
      check(states.get(name) === expected, `${name} to be ${expected}`, rows);
    });
    const started = performance.now();
    await superuserSql(
      cluster,
      primary,
      `begin; set local synchronous_commit = on; create table if not exists rehearsal (at timestamptz); insert into rehearsal values (now()); commit`,
    );
    show(
      `${rows}\na write with synchronous_commit = on took ${Math.round(performance.now() - started)} ms (psql included)`,
    );
  },
};

const secondRun: Scenario = {
  id: 'again',
  title: 'Setup started again on the finished cluster changes nothing',
  async run(context) {
    const before = hostsSnapshot(context.cluster);
    const { output, seconds } = succeeded(await setup(context));
    const changes = JSON.stringify(output.changes);
    check(!changes.includes('"changed":true'), 'no step to report a change', changes);
    const changed = treeDifference(before, hostsSnapshot(context.cluster)).filter((path) => !path.includes('.runbook'));
    check(changed.length === 0, 'no file outside the runbook’s own directory to change', changed);
    context.show(`nothing changed, ${seconds.toFixed(1)} s`);
  },
};

const noPasswordAnywhere: Scenario = {
  id: 'secrets',
  title: 'The replication password stands in no log of PostgreSQL',
  async run({ clients, cluster }) {
    const { SecretString = '{}' } = await clients.secrets.send(
      new GetSecretValueCommand({ SecretId: resourceNames(cluster.name).replicationSecret }),
    );
    const { password } = JSON.parse(SecretString) as { password: string };
    for (const node of cluster.nodes) {
      const log = await serverLog(cluster, node);
      check(log.includes('ready to accept'), `a server log of ${node.name}`, log.slice(0, 500));
      check(!log.includes(password), 'no password in the server log', node.name);
    }
  },
};

/** In the order in which they are rehearsed. */
export const setupScenarios: readonly Scenario[] = [
  nonEmptyDirectory,
  setUp,
  primaryConfigured,
  accessRules,
  roleCreated,
  standbyIdentity,
  synchronousStates,
  wrongUser,
  secondRun,
  noPasswordAnywhere,
];
