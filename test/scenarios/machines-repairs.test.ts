/**
 * The repairs of a lost primary on machines, with systemd units and a network of their own, while applications write: it
 * changes places with a standby, its power is cut, and it is cut off while it lives.
 */
import { DescribeInstancesCommand, StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkerKnows } from '../../local/client/checker-state.ts';
import { healFaults, makeFault } from '../../local/client/control.ts';
import { makeLedger } from '../../local/client/ledger.ts';
import { nodeNamed, waitForSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, type RunbookOutcome, runRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { stepEntered } from '../support/executions.ts';
import type { LocalRuntime } from '../support/local-runtime.ts';
import {
  expectHealthy,
  noMachines,
  reboot,
  setUp,
  shell,
  startMachines,
  titled,
  unitState,
} from '../support/machines.ts';
import { type LoadReport, underLoad } from '../support/under-load.ts';

const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;

describe.skipIf(noMachines)(titled('repairs on machines'), () => {
  let runtime: LocalRuntime;
  const node = (name: string) => nodeNamed(runtime.cluster, name);
  const seen = (name: string, statement: string, expected: string) =>
    waitForSql(runtime.cluster, node(name), statement, expected, 60);
  const instance = (name: string) => ({ InstanceIds: [node(name).instanceId] });

  beforeAll(async () => {
    runtime = await startMachines();
    await setUp(runtime);
    await makeLedger(runtime.cluster, node(master));
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  const run = (runbook: 'failover' | 'rejoin' | 'switchover', input: object = {}) =>
    runRunbook(runtime.clients, 'pg-sync', runbook, 120, undefined, input);

  function expectSuccess(outcome: RunbookOutcome, output: object): void {
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ status: 'SUCCEEDED', output });
  }

  /** Every node does its part, and will after its next boot. */
  async function expectWhole(primary: string): Promise<void> {
    await expectHealthy(runtime, primary);
    for (const name of [master, slave01, slave02]) {
      expect(`${name} ${await unitState(runtime, name)}`).toBe(`${name} active\nenabled`);
    }
  }

  async function instanceState(name: string): Promise<string | undefined> {
    const { Reservations } = await runtime.clients.ec2.send(new DescribeInstancesCommand(instance(name)));
    return Reservations?.[0]?.Instances?.[0]?.State?.Name;
  }

  /** Starts the instance of a former primary. Its unit starts PostgreSQL, which knows of no other primary yet. */
  async function comesBackAsPrimary(name: string): Promise<void> {
    await runtime.clients.ec2.send(new StartInstancesCommand(instance(name)));
    await seen(name, 'select pg_is_in_recovery()', 'f');
    await takesWritesWithoutAcknowledging(name);
  }

  /** Applications write to it, too: their commits wait. */
  async function takesWritesWithoutAcknowledging(name: string): Promise<void> {
    await seen(name, "select count(*) > 0 from pg_stat_activity where wait_event = 'SyncRep'", 't');
  }

  /** The former primary goes back to where its history and the new one's part, and follows. */
  async function rejoins(name: string, primary: string): Promise<void> {
    expectSuccess(await run('rejoin', { node: name }), { node: name, primary, method: 'rewind' });
  }

  function tell(what: string, { rows, longestGap: { from, to } }: LoadReport, started: number): void {
    const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
    console.log(
      `${what}: ${rows} rows acknowledged; next one ${seconds(to - started)} s after the start of the runbook, ${seconds(to - from)} s after the last`,
    );
  }

  it.each([
    [slave01, master],
    [master, slave01],
  ])('switchover to %s: every unit is right, and %s boots as a standby', async (to, from) => {
    let started = 0;
    const report = await underLoad(runtime.cluster, node(to), async () => {
      started = Date.now();
      expectSuccess(await run('switchover', { to }), { primary: to, formerPrimary: from, notFollowing: [] });
    });
    tell(`switchover to ${to}`, report, started);
    await expectWhole(to);
    await reboot(runtime, from, () => shell(runtime, from, 'systemctl reboot').catch(() => undefined));
    await expectWhole(to);
  });

  it('power cut: a standby takes over; the former primary starts by itself, acknowledges nothing, and rejoins', async () => {
    await checkerKnows(runtime.clients, 'pg-sync', master);
    let started = 0;
    const report = await underLoad(runtime.cluster, node(slave01), async () => {
      await runtime.clients.ec2.send(new StopInstancesCommand({ ...instance(master), SkipOsShutdown: true }));
      started = Date.now();
      expectSuccess(await run('failover'), { primary: slave01, formerPrimary: master, notFollowing: [] });
      await comesBackAsPrimary(master);
      await rejoins(master, slave01);
    });
    tell('power cut', report, started);
    await expectWhole(slave01);
  });

  it('partition: the primary lives, with clients on it, and is fenced through EC2 before another is promoted', async () => {
    await checkerKnows(runtime.clients, 'pg-sync', slave01);
    let started = 0;
    const report = await underLoad(runtime.cluster, node(master), async () => {
      await makeFault(runtime.endpoint, { kind: 'cut', node: slave01 });
      await takesWritesWithoutAcknowledging(slave01);
      expect(await instanceState(slave01)).toBe('running');
      started = Date.now();
      const failover = await startRunbook(runtime.clients, 'pg-sync', 'failover');
      await stepEntered(runtime, failover, 'Promote');
      expect(await instanceState(slave01)).toBe('stopped');
      const outcome = await awaitRunbook(runtime.clients, 'pg-sync', failover, 60);
      expectSuccess(outcome, { primary: master, formerPrimary: slave01, notFollowing: [] });
      expect(JSON.stringify(outcome)).toContain('EC2 was seen to have stopped its instance');
      await healFaults(runtime.endpoint);
      // Asked to rejoin at once: the command that was to fence it on its host may still wait for it, too.
      await runtime.clients.ec2.send(new StartInstancesCommand(instance(slave01)));
      await rejoins(slave01, master);
    });
    tell('partition', report, started);
    await expectWhole(master);
  });
});
