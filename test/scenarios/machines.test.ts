/** The notes' cluster on machines with the notes' addresses: setup through systemd units, boots, and a stranger. */
import { readFileSync } from 'node:fs';
import {
  DescribeInstancesCommand,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
} from '@aws-sdk/client-ec2';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resourceNames } from '../../lambdas/contract/names.ts';
import { stopHost } from '../../local/client/control.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import type { LocalRuntime } from '../support/local-runtime.ts';
import {
  connectTo,
  expectHealthy,
  healthyReplication,
  noMachines,
  reboot,
  replication,
  roomOf,
  setUp,
  shell,
  shellInNetwork,
  startMachines,
  titled,
  unit,
  unitState,
} from '../support/machines.ts';

const names = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];

describe.skipIf(noMachines)(titled('hosts that are machines'), () => {
  let runtime: LocalRuntime;
  beforeAll(async () => {
    runtime = await startMachines();
  });
  afterAll(() => runtime?.[Symbol.asyncDispose]());

  const instance = (name: string) => [nodeNamed(runtime.cluster, name).instanceId];
  const state = async (name: string) => {
    const { Reservations } = await runtime.clients.ec2.send(
      new DescribeInstancesCommand({ InstanceIds: instance(name) }),
    );
    return Reservations?.[0]?.Instances?.[0]?.State?.Name ?? '';
  };
  const reaches = (name: string, wanted: string) =>
    waitFor(`${name} ${wanted}`, 60, async () => (await state(name)) === wanted || null);

  it('have names, addresses, a systemd of their own, and no PostgreSQL before setup', async () => {
    for (const name of names) {
      const { address } = nodeNamed(runtime.cluster, name);
      expect(await shell(runtime, name, 'hostname')).toBe(name.replaceAll('_', '-'));
      expect(await shell(runtime, name, 'cat /proc/1/comm')).toBe('systemd');
      expect(await shell(runtime, name, 'ip -brief address show host0')).toContain(`${address}/32`);
      expect(await shell(runtime, name, 'ls /var/lib/pgsql/12; pgrep -c postgres || true')).toBe('0');
      expect(await shell(runtime, name, 'systemctl list-units --failed --no-legend')).toBe('');
      expect(await shellInNetwork(runtime, connectTo(address, 5432))).toBe('refused');
    }
    expect(runtime.output).toMatch(/PostgreSQL +12 → \d+ \(12 is not installed here; unit and directories keep/);
  });

  it('mount nothing outside of themselves, for that would outlive a power cut', () => {
    const mounts = readFileSync(`/proc/${roomOf(runtime)}/mounts`, 'utf8');
    expect(mounts.split('\n').filter((line) => /\/nspawn\/\S*\/n[123]\b/.test(line))).toEqual([]);
  });

  it('are set up through their units', async () => {
    const output = await setUp(runtime);
    expect((output.replication as string[]).slice(2)).toEqual([
      ' replica | pg_sync_slave01  | 192.168.168.134 | sync',
      ' replica | pg_sync_slave02  | 192.168.168.135 | potential',
      '(2 rows)',
    ]);
    for (const name of names) {
      expect(await unitState(runtime, name)).toBe('active\nenabled');
      expect(await shell(runtime, name, 'systemctl show -p MainPID --value postgresql-12')).toBe(
        await shell(runtime, name, 'head -1 /var/lib/pgsql/12/data/postmaster.pid'),
      );
    }
  });

  it('let the replication user in from each node’s address and from no other machine', async () => {
    const rules = await superuserSql(
      runtime.cluster,
      nodeNamed(runtime.cluster, 'pg_sync_master'),
      `select address, netmask from pg_hba_file_rules
        where 'replication' = any(database) and type like 'host%' and auth_method <> 'reject' order by 1`,
    );
    expect(rules).toBe([133, 134, 135].map((last) => `192.168.168.${last}|255.255.255.255`).join('\n'));

    const { SecretString = '' } = await runtime.clients.secrets.send(
      new GetSecretValueCommand({ SecretId: resourceNames('pg-sync').replicationSecret }),
    );
    const { password } = JSON.parse(SecretString) as { password: string };
    const room = `/proc/${roomOf(runtime)}/ns/net`;
    const fourthMachine = [
      `ip link add host0 type veth peer name fourth netns ${roomOf(runtime)}`,
      `nsenter --net=${room} ip link set fourth master machines up`,
      'ip link set host0 up',
      'ip address add 192.168.168.136/24 dev host0',
      `PGPASSWORD='${password}' psql 'host=192.168.168.133 user=replica replication=true' -c IDENTIFY_SYSTEM 2>&1`,
    ].join(' && ');
    const refusal = await shellInNetwork(
      runtime,
      `unshare --net sh -c "${fourthMachine.replaceAll('"', '\\"')}" || true`,
    );
    expect(refusal).toMatch(
      /FATAL: {2}pg_hba\.conf rejects replication connection for host "192\.168\.168\.136", user "replica"/,
    );
  });

  it.each(names)('come back by themselves when %s reboots', async (name) => {
    await reboot(runtime, name, () =>
      runtime.clients.ec2.send(new RebootInstancesCommand({ InstanceIds: instance(name) })),
    );
    await expectHealthy(runtime);
  });

  it('come back when a machine reboots from inside', async () => {
    await reboot(runtime, 'pg_sync_slave02', () =>
      shell(runtime, 'pg_sync_slave02', 'systemctl reboot').catch(() => undefined),
    );
    await expectHealthy(runtime);
  });

  it('shut down cleanly or lose their power at once', async () => {
    const log = (name: string) =>
      shell(runtime, name, `journalctl --boot=-1 -u ${unit} -o cat --no-pager | tail -n 30`);
    await shell(runtime, 'pg_sync_slave02', 'mkdir -p /var/log/journal && journalctl --flush');
    // Force is no power cut: EC2 lets the system shut down all the same.
    const InstanceIds = instance('pg_sync_slave02');
    await runtime.clients.ec2.send(new StopInstancesCommand({ InstanceIds, Force: true }));
    await reaches('pg_sync_slave02', 'stopped');
    await runtime.clients.ec2.send(new StartInstancesCommand({ InstanceIds: instance('pg_sync_slave02') }));
    await reaches('pg_sync_slave02', 'running');
    expect(await log('pg_sync_slave02')).toContain('database system is shut down');
    await expectHealthy(runtime);

    await runtime.clients.ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true }));
    await reaches('pg_sync_slave02', 'stopped');
    expect(await replication(runtime)).not.toBe('');
    await runtime.clients.ec2.send(new StartInstancesCommand({ InstanceIds: instance('pg_sync_slave02') }));
    await reaches('pg_sync_slave02', 'running');
    expect(await log('pg_sync_slave02')).not.toContain('database system is shut down');
    await expectHealthy(runtime);
    expect(await replication(runtime)).toBe(healthyReplication(runtime));
  });

  it('start PostgreSQL at boot where its unit is enabled, and not where it is disabled', async () => {
    const bootAgain = async () => {
      await stopHost(runtime.endpoint, 'pg_sync_slave01', 'off');
      await runtime.clients.ec2.send(new StartInstancesCommand({ InstanceIds: instance('pg_sync_slave01') }));
      await reaches('pg_sync_slave01', 'running');
      await shell(runtime, 'pg_sync_slave01', 'systemctl is-system-running --wait || true');
      return shell(runtime, 'pg_sync_slave01', `systemctl is-active ${unit} || true`);
    };
    await shell(runtime, 'pg_sync_slave01', `systemctl disable ${unit} 2>/dev/null`);
    expect(await bootAgain()).toBe('inactive');
    await shell(runtime, 'pg_sync_slave01', `systemctl enable ${unit} 2>/dev/null`);
    expect(await bootAgain()).toBe('active');
    await expectHealthy(runtime);
  });
});
