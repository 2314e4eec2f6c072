/** Faults of the network between machines: each has the effect that it names, seen from inside, and heals. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { ListCommandInvocationsCommand } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { healFaults, makeFault } from '../../local/client/control.ts';
import { Mailbox } from '../../local/client/mailbox.ts';
import { nodeNamed } from '../../local/client/node-sql.ts';
import { startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { Writer } from '../../local/client/writer.ts';
import type { Fault } from '../../local/faults/fault.ts';
import { slowName } from '../../local/hosts/machines/slow-link.ts';
import { notesCluster } from '../support/clusters.ts';
import type { LocalRuntime } from '../support/local-runtime.ts';
import {
  connectTo,
  expectHealthy,
  listens,
  noMachines,
  reboot,
  setUp,
  shell,
  shellInNetwork,
  startMachines,
  titled,
} from '../support/machines.ts';

const run = promisify(execFile);

const [master, first, second] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'] as const;
const addresses = { [master]: '192.168.168.133', [first]: '192.168.168.134', [second]: '192.168.168.135' };
const runtimeAddress = '192.168.168.254';

describe.skipIf(noMachines)(titled('faults of the network of machines'), () => {
  let runtime: LocalRuntime;
  let apiPort = '';
  beforeAll(async () => {
    const monitoring = { checkIntervalSeconds: 5, lagWarningBytes: 1, lagWarningSeconds: 1 };
    runtime = await startMachines({ clusters: [{ ...notesCluster(), monitoring }] });
    apiPort = new URL(runtime.endpoint).port;
    await setUp(runtime);
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());
  afterEach(async () => {
    await healFaults(runtime.endpoint);
    await expectHealthy(runtime);
  });

  type Name = keyof typeof addresses;
  const make = (fault: Fault) => makeFault(runtime.endpoint, fault);
  const sql = (from: Name, to: Name) => shell(runtime, from, connectTo(addresses[to], 5432));
  const aws = (from: Name) => shell(runtime, from, connectTo(runtimeAddress, apiPort));
  const observe = (to: Name) => shellInNetwork(runtime, connectTo(addresses[to], 5432));
  /** Who does not reach whom, all at once. */
  const ways = async () => {
    const all = {
      [`${master} → ${first}`]: sql(master, first),
      [`${first} → ${master}`]: sql(first, master),
      [`${first} → ${second}`]: sql(first, second),
      [`${second} → ${first}`]: sql(second, first),
      [`${second} → ${master}`]: sql(second, master),
      [`functions → ${master}`]: observe(master),
      [`functions → ${first}`]: observe(first),
      [`${master} → AWS`]: aws(master),
      [`${first} → AWS`]: aws(first),
    };
    const seen = await Promise.all(Object.entries(all).map(async ([way, state]) => [way, await state] as const));
    return seen
      .filter(([, state]) => state !== 'open')
      .map(([way, state]) => (state === 'cut' ? way : `${way}: ${state}`));
  };

  /** Milliseconds of the quickest of some connections of functions: what else runs here makes some of them slow. */
  const quickest = async (to: Name) => {
    const all: number[] = [];
    for (let tries = 0; tries < 5; tries++) {
      const started = performance.now();
      await shellInNetwork(runtime, `bash -c '</dev/tcp/${addresses[to]}/5432'`);
      all.push(performance.now() - started);
    }
    return Math.min(...all);
  };

  it('do not exist at first', async () => {
    expect(await ways()).toEqual([]);
  });

  // The first of the faults: after others the checker would wait longer before it says that this one is over.
  it('delay: a standby that lags behind over a slow network is told once, and that it has caught up', async () => {
    const mailbox = new Mailbox(join(runtime.directory, 'mail'));
    await using writer = await Writer.start(runtime.cluster, nodeNamed(runtime.cluster, master));
    const before = await mailbox.unread();
    expect(before.map(({ subject }) => subject)).toEqual([]);
    const milliseconds = 1500;
    writer.report();
    const begun = performance.now();
    await make({ kind: 'delay', node: second, milliseconds });
    const [mail] = await mailbox.next('lag', 40);
    expect(mail?.subject).toMatch(/^WARNING pg-sync: pg_sync_slave02 lags [2-4] s/);
    // The observer's way to it is as slow.
    expect(mail?.text).toMatch(/The observer cannot ask pg_sync_slave02 \(timeout: /);
    expect(mail?.text).toContain('Every commit is confirmed by pg_sync_slave01; 1 more standby can be lost');
    // Did a commit wait for the slow one, each would take as long as the delay.
    expect(writer.report().commits).toBeGreaterThan((2 * (performance.now() - begun)) / milliseconds);
    await healFaults(runtime.endpoint);
    const after = await mailbox.next('the end of it', 40);
    expect(after.map(({ subject }) => subject)).toEqual([expect.stringMatching(/^RECOVERED /)]);
  });

  it('cut: one host off from everything', async () => {
    await make({ kind: 'cut', node: first });
    expect(await ways()).toEqual([
      `${master} → ${first}`,
      `${first} → ${master}`,
      `${first} → ${second}`,
      `${second} → ${first}`,
      `functions → ${first}`,
      `${first} → AWS`,
    ]);
    await healFaults(runtime.endpoint, first);
    expect(await ways()).toEqual([]);
  });

  it('cut-between: two hosts off from each other', async () => {
    await make({ kind: 'cut-between', node: second, other: first });
    expect(await ways()).toEqual([`${first} → ${second}`, `${second} → ${first}`]);
  });

  it('cut-sql: the functions off from PostgreSQL only', async () => {
    await make({ kind: 'cut-sql', node: master });
    expect(await ways()).toEqual([`functions → ${master}`]);
  });

  it('cut-ssm: a host off from AWS only; its commands wait until it is healed', async () => {
    await make({ kind: 'cut-ssm', node: first });
    expect(await ways()).toEqual([`${first} → AWS`]);
    const executionArn = await startRunbook(runtime.clients, 'pg-sync', 'setup');
    const status = async () => (await runtime.clients.sfn.send(new DescribeExecutionCommand({ executionArn }))).status;
    await waitFor('preflight of the others', 60, async () => {
      const { CommandInvocations } = await runtime.clients.ssm.send(new ListCommandInvocationsCommand({}));
      const newest = new Map((CommandInvocations ?? []).toReversed().map((each) => [each.InstanceName, each.Status]));
      const seen = [master, first, second].map((name) => newest.get(name)).join(' ');
      return seen === 'Success Pending Success' || null;
    });
    expect(await status()).toBe('RUNNING');
    await healFaults(runtime.endpoint);
    expect(await waitFor('end of setup', 90, async () => ((await status()) === 'RUNNING' ? null : status()))).toBe(
      'SUCCEEDED',
    );
  });

  it('loss: packets vanish, and TCP sends them again', async () => {
    const resent = async () =>
      Number(await shell(runtime, first, "awk '/^Tcp:/ && $13 ~ /^[0-9]+$/ { print $13 }' /proc/net/snmp"));
    const before = await resent();
    await make({ kind: 'loss', node: first, percent: 30 });
    await waitFor('packets sent again', 60, async () => {
      await shell(runtime, first, 'timeout 5 bash -c "</dev/tcp/192.168.168.133/5432" 2>/dev/null || true');
      return (await resent()) > before || null;
    });
    await make({ kind: 'loss', node: first, percent: 100 });
    expect(await sql(first, master)).toBe('cut');
    expect(await sql(second, master)).toBe('open');
  });

  it('delay: round trips take longer', async () => {
    await make({ kind: 'delay', node: first, milliseconds: 400 });
    expect(await quickest(first)).toBeGreaterThan(400);
    await healFaults(runtime.endpoint);
    await waitFor('round trips without the delay', 30, async () => (await quickest(first)) < 400);
  });

  it('outlast a boot of the host', async () => {
    await make({ kind: 'cut-between', node: master, other: second });
    await make({ kind: 'delay', node: second, milliseconds: 200 });
    await reboot(runtime, second, () => shell(runtime, second, 'systemctl reboot').catch(() => undefined));
    // Nobody gets onto a host whose faults are not in force again.
    expect(await shellInNetwork(runtime, 'ip -oneline link')).toContain(`${slowName('vb-n3')}:`);
    await listens(runtime, second);
    expect(await observe(second)).toBe('open');
    expect(await quickest(second)).toBeGreaterThan(200);
    expect(await sql(second, master)).toBe('cut');
    expect(await sql(second, first)).toBe('open');
  });

  it('are made, told, refused and healed on the command line', async () => {
    const local = async (...args: string[]) => {
      const command = ['local/main.ts', '--port', apiPort, ...args];
      return run(process.execPath, command, { env: { ...process.env, NO_COLOR: '1' } });
    };
    expect((await local('fault', 'cut-sql', first)).stdout).toBe(
      `the functions are cut off from PostgreSQL on ${first}\n`,
    );
    expect((await local('fault', 'cut', second)).stdout.trim().split('\n')).toHaveLength(2);
    await expect(local('fault', 'cut', 'nobody')).rejects.toMatchObject({
      code: 1,
      stderr: `Refused: there is no host nobody; there are ${master}, ${first}, ${second}\n`,
    });
    expect((await local('fault', 'heal')).stdout).toBe('The network is whole.\n');
    expect(await ways()).toEqual([]);
  });
});
