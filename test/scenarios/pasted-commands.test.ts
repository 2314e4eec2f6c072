/** The README's and the documentation's commands, as they are pasted: passwords, and a look into a failure. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { ListCommandInvocationsCommand } from '@aws-sdk/client-ssm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { dataDirectoryOf } from '../../local/client/host-access.ts';
import { hostConnection } from '../../local/client/host-connection.ts';
import { stopPostgres } from '../../local/client/host-power.ts';
import { waitForSql } from '../../local/client/node-sql.ts';
import { startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Writer } from '../../local/client/writer.ts';
import { notesCluster } from '../support/clusters.ts';
import { LocalRuntime } from '../support/local-runtime.ts';
import { blocksOf } from '../support/pages.ts';
import { noAwsCli, Pasting, titledWithCli } from '../support/pasting.ts';
import { alertsTo, WatchedCluster } from '../support/watched-cluster.ts';

const readme = blocksOf('README.md');
const underHeading = (heading: string) => readme.filter((block) => block.heading === heading).map(({ text }) => text);
const [defineRunbook = ''] = underHeading('Operating');
const [changePasswords = '', goBack = ''] = underHeading('Change a password');

/** A stall of this length would be a defect and not a busy machine: nothing here makes a commit wait. */
const longestWriteMilliseconds = 10_000;

describe.skipIf(noAwsCli)(titledWithCli('pasted from the documentation'), () => {
  let runtime: LocalRuntime;
  let watched: WatchedCluster;

  beforeAll(async () => {
    const { alerts, subscriber } = await alertsTo('pg-sync');
    const monitoring = { checkIntervalSeconds: 5 };
    runtime = await LocalRuntime.start({ clusters: [{ ...notesCluster(), alerts, monitoring }] });
    watched = new WatchedCluster(runtime, 'pg-sync', subscriber);
    await watched.setUp();
    await watched.mailbox.notices();
  });
  afterAll(async () => {
    await runtime?.[Symbol.asyncDispose]();
    await watched?.subscriber[Symbol.asyncDispose]();
  });

  const credentials = () => {
    const { replicationSecret, monitoringSecret } = resourceNames('pg-sync');
    return Promise.all(
      [replicationSecret, monitoringSecret].map(async (SecretId) => {
        const { SecretString = '' } = await runtime.clients.secrets.send(new GetSecretValueCommand({ SecretId }));
        return JSON.parse(SecretString) as { username: string; password: string };
      }),
    );
  };

  /** What the primary says to a user with a password: `t`, or why not. */
  const login = async ({ username, password }: { username: string; password: string }): Promise<string> => {
    const connection = await hostConnection(watched.cluster, watched.node('pg_sync_master'));
    const client = new pg.Client({
      ...connection,
      user: username,
      password,
      database: 'postgres',
      ssl: { rejectUnauthorized: false },
    });
    try {
      await client.connect();
      return 't';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  const senders = () =>
    watched.sql(
      'pg_sync_master',
      "select string_agg(application_name || ':' || pid, ' ' order by application_name) from pg_stat_replication where state = 'streaming'",
    );

  it('new passwords: no write fails, replication goes on, nobody is paged; and the way back', async () => {
    const pasting = new Pasting();
    const [before, sendersBefore] = [await credentials(), await senders()];
    await using writer = await Writer.start(watched.cluster, watched.node('pg_sync_master'));
    writer.report();

    await pasting.paste(runtime, defineRunbook, changePasswords);

    const report = writer.report();
    expect(report).toMatchObject({ failures: 0 });
    expect(report.commits).toBeGreaterThan(0);
    expect(report.longestMilliseconds).toBeLessThan(longestWriteMilliseconds);
    expect(await senders()).toBe(sendersBefore);
    const after = await credentials();
    for (const [index, { username, password }] of after.entries()) {
      expect(username).toBe(before[index]?.username);
      expect(password).not.toBe(before[index]?.password);
      expect(pasting.calls).not.toContain(password);
      expect(await login({ username, password })).toBe('t');
      expect(await login(before[index] ?? { username, password })).toMatch(/password authentication failed/);
    }
    expect((await watched.mailbox.unread()).map(({ subject }) => subject)).toEqual([]);
    expect((await watched.mailbox.notices()).map(({ subject }) => subject)).toEqual([
      expect.stringMatching(/^MAINTENANCE pg-sync: until .*: new passwords$/),
      'STARTED pg-sync: setup',
      'DONE pg-sync: setup',
      'MAINTENANCE pg-sync: ended before its time',
    ]);

    // Each standby has the new password: it comes back by it.
    await watched.sql('pg_sync_master', 'select pg_terminate_backend(pid) from pg_stat_replication');
    await waitForSql(
      watched.cluster,
      watched.node('pg_sync_master'),
      "select count(*) from pg_stat_replication where state = 'streaming'",
      '2',
      60,
    );

    await pasting.paste(runtime, defineRunbook, goBack, "runbook setup '{}'");
    expect(await credentials()).toEqual(before);
    for (const each of before) expect(await login(each)).toBe('t');
    expect((await watched.mailbox.unread()).map(({ subject }) => subject)).toEqual([]);
    expect(writer.report()).toMatchObject({ failures: 0 });
  });

  it('a runbook that hangs on a host: which command, what it says, and how it is ended', async () => {
    const pasting = new Pasting();
    const page = blocksOf('docs/failures.md');
    const section = (heading: string) => page.filter((block) => block.heading === heading).map(({ text }) => text);
    const [execution, command] = [section('Which execution'), section('Which command, and its output')];
    const [cancel = '', stop = ''] = section('Ending what hangs');
    const status = 'aws stepfunctions describe-execution --execution-arn "$EXECUTION" --query status --output text';
    const untilEnded = `while [ "$(${status})" = RUNNING ]; do sleep 1; done; ${status}`;
    const { cluster, clients } = runtime;
    const standby = watched.node('pg_sync_slave02');
    const copy = `i-0a1b2c3d4e5f60135\ttake-base-backup on ${standby.name}`;
    /** Setup, until it waits for a copy. */
    const startSetup = async () => {
      await startRunbook(clients, 'pg-sync', 'setup');
      await waitFor('a copy that is being made', 120, async () => {
        const { CommandInvocations = [] } = await clients.ssm.send(
          new ListCommandInvocationsCommand({ InstanceId: standby.instanceId }),
        );
        return CommandInvocations.some(
          ({ Comment, Status }) => Comment === `take-base-backup on ${standby.name}` && Status === 'InProgress',
        );
      });
    };

    // A standby that is to be copied, and a primary whose checkpoint, with which a copy begins, does not end.
    await stopPostgres(cluster, standby);
    rmSync(dataDirectoryOf(cluster, standby), { recursive: true });
    const checkpointer = Number(
      await watched.sql('pg_sync_master', "select pid from pg_stat_activity where backend_type = 'checkpointer'"),
    );
    process.kill(checkpointer, 'SIGSTOP');
    try {
      await startSetup();
      // What is in /var/lib/pg-sync-runbooks on a machine.
      const memory = join(runtime.directory, 'memory', standby.name, `${cluster.name}.${standby.name}`);
      const holder = `cat ${join(memory, 'holder')} || true`;
      await waitFor('the command that has the host', 60, async () =>
        /^take-base-backup of operation /.test(await pasting.pasteOnHost(cluster, standby, holder)),
      );
      const hanging = await pasting.paste(runtime, ...execution, ...command, cancel, untilEnded);
      expect(hanging).toMatch(/"status": "RUNNING"/);
      expect(hanging).toMatch(/\tTake base backup$/m);
      expect(hanging).toMatch(new RegExp(`^InProgress\\t\\S+\\t${copy}$`, 'm'));
      expect(hanging).toMatch(/^FAILED$/m);
      const failed = await pasting.paste(runtime, ...execution, ...command);
      expect(failed).toMatch(/"error": "CommandCancelled"/);
      expect(failed).toMatch(new RegExp(`^Cancelled\\t\\S+\\t${copy}$`, 'm'));

      await startSetup();
      expect(await pasting.paste(runtime, ...execution, stop, untilEnded)).toMatch(/^ABORTED$/m);
    } finally {
      process.kill(checkpointer, 'SIGCONT');
    }
    expect(await pasting.paste(runtime, defineRunbook, "runbook setup '{}'")).toMatch(/"status": "SUCCEEDED"/);
  });
});
