/** The main job as the README describes it: `npm run local`, then the ordinary AWS CLI. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { awsCli } from '../../local/prerequisites/system-packages.mjs';
import { LocalRuntime } from '../support/local-runtime.ts';

const run = promisify(execFile);

describe.skipIf(!existsSync(awsCli))(
  `the notes' cluster, with ${awsCli} (skipped where Debian's awscli is not installed)`,
  () => {
    let runtime: LocalRuntime;
    let stateMachineArn = '';
    let executionArn = '';

    const aws = async (...args: string[]): Promise<Record<string, unknown>> => {
      const { region } = runtime.cluster.network;
      const credentials = {
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_EC2_METADATA_DISABLED: 'true',
      };
      const { stdout } = await run(
        awsCli,
        ['--endpoint-url', runtime.endpoint, '--region', region, '--output', 'json', ...args],
        {
          env: { PATH: process.env.PATH, HOME: '/nonexistent', ...credentials },
        },
      );
      return stdout === '' ? {} : JSON.parse(stdout);
    };

    beforeAll(async () => {
      runtime = await LocalRuntime.start({ clusters: 'clusters.json' });
    });
    afterAll(() => runtime?.[Symbol.asyncDispose]());

    it('is told by the runtime how to start setup, and starts it', async () => {
      const command =
        /aws --endpoint-url \S+ .*stepfunctions start-execution .*--state-machine-arn (\S+:pg-sync-setup)/.exec(
          runtime.output,
        );
      expect(command, runtime.output).not.toBeNull();
      stateMachineArn = command?.[1] ?? '';
      executionArn = String(
        (await aws('stepfunctions', 'start-execution', '--state-machine-arn', stateMachineArn)).executionArn,
      );
      expect(executionArn).toMatch(/^arn:aws:states:us-east-1:\d{12}:execution:pg-sync-setup:/);
    });

    it('refuses a second setup while one runs, naming the first', async () => {
      const second = String(
        (await aws('stepfunctions', 'start-execution', '--state-machine-arn', stateMachineArn)).executionArn,
      );
      const ended = await waitFor('end of the second setup', 30, async () => {
        const execution = await aws('stepfunctions', 'describe-execution', '--execution-arn', second);
        return execution.status === 'RUNNING' ? null : execution;
      });
      expect(ended).toMatchObject({ status: 'FAILED', error: 'AnotherRunbookRuns' });
      expect(ended.cause).toContain(executionArn);
    });

    it('is told how the execution ends', async () => {
      const execution = await waitFor('end of setup', 180, async () => {
        const seen = await aws('stepfunctions', 'describe-execution', '--execution-arn', executionArn);
        return seen.status === 'RUNNING' ? null : seen;
      });
      expect(execution, JSON.stringify(execution)).toMatchObject({ status: 'SUCCEEDED' });
      const output = JSON.parse(String(execution.output));
      expect(output).toMatchObject({
        primary: 'pg_sync_master',
        synchronousStandbyNames: 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")',
      });
      expect(output.replication[2]).toMatch(/^ replica \| pg_sync_slave01 +\| [\d.]+ +\| sync$/);
      expect(output.replication[3]).toMatch(/^ replica \| pg_sync_slave02 +\| [\d.]+ +\| potential$/);
    });

    it('reads the history as AWS words it', async () => {
      const { events } = await aws('stepfunctions', 'get-execution-history', '--execution-arn', executionArn);
      const list = events as { id: number; type: string; stateEnteredEventDetails?: { name: string } }[];
      expect(list[0]?.type).toBe('ExecutionStarted');
      expect(list.at(-1)?.type).toBe('ExecutionSucceeded');
      expect(list.map(({ id }) => id)).toEqual(list.map((_, index) => index + 1));
      const entered = list.flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
      expect(entered.filter((name) => name === 'Preflight node')).toHaveLength(3);
      expect(entered.filter((name) => name === 'Take base backup')).toHaveLength(2);
      expect(list.some(({ type }) => type === 'TaskSubmitted')).toBe(true);
    });

    it('has a primary whose writes are durable, and standbys under their names', async () => {
      const { cluster } = runtime;
      const primary = nodeNamed(cluster, 'pg_sync_master');
      await superuserSql(cluster, primary, 'begin; set local synchronous_commit = on; create table t (); commit');
      const rows = await superuserSql(
        cluster,
        primary,
        'select application_name, sync_state from pg_stat_replication order by 1',
      );
      expect(rows).toBe('pg_sync_slave01|sync\npg_sync_slave02|potential');
      for (const name of ['pg_sync_slave01', 'pg_sync_slave02']) {
        await waitFor(`the table on ${name}`, 5, async () => {
          const found = await superuserSql(
            cluster,
            nodeNamed(cluster, name),
            "select count(*) from pg_class where relname = 't'",
          );
          return found === '1' || null;
        });
      }
    });

    it('sees its hosts and outputs', async () => {
      const { Reservations } = await aws(
        'ec2',
        'describe-instances',
        '--filters',
        'Name=tag:Name,Values=pg_sync_slave01',
      );
      expect(JSON.stringify(Reservations)).toContain('"running"');
      const { Stacks } = await aws('cloudformation', 'describe-stacks', '--stack-name', 'pg-sync');
      expect(JSON.stringify(Stacks)).toContain('target_session_attrs=read-write');
      expect(await aws('sts', 'get-caller-identity')).toHaveProperty('Account');
    });

    it('leaves nothing running', async () => {
      await runtime.stop();
      const { stdout } = await run('ps', ['-eo', 'args']);
      expect(stdout.split('\n').filter((line) => line.includes(runtime.directory))).toEqual([]);
    });
  },
);
