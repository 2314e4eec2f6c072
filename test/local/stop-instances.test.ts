/** What EC2 makes of the ways to stop an instance, on a host with a process that takes note of how it ends. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Hosts } from '../../local/hosts/hosts.ts';
import { findOsUser } from '../../local/hosts/os-user.ts';
import { ProcessHost } from '../../local/hosts/process-host.ts';
import { checkedServices } from '../../local/models/checked-services.ts';
import { ec2Service } from '../../local/services/ec2.ts';
import { eventually } from './fixture/runtime.ts';

const region = 'us-east-1';
const instanceId = 'i-0123456789abcdef0';
const caller = { region, requestId: 'test', principal: undefined };

let directory: string;
let host: ProcessHost;
let failures: unknown[];
let call: (operation: string, input: object) => Promise<unknown>;

/** Stands for PostgreSQL: ends when it is asked to, after as many tenths of a second, and says so. */
async function startServer(tenths: number): Promise<void> {
  const script = join(directory, 'script');
  const server = `trap 'sleep ${tenths / 10}; touch ${directory}/clean; exit' INT; echo $$ > ${directory}/data/postmaster.pid; while :; do sleep 0.05; done`;
  writeFileSync(script, `#!/bin/sh\n${server}\n`, { mode: 0o755 });
  host.run({
    path: script,
    environment: {},
    stdoutPath: join(directory, 'out', 'stdout'),
    stderrPath: join(directory, 'out', 'stderr'),
  });
  await eventually(
    async () => existsSync(join(directory, 'data', 'postmaster.pid')),
    (there) => there,
  );
}

const endedCleanly = () => existsSync(join(directory, 'clean'));
const stopped = () =>
  eventually(
    async () => host.state,
    (state) => state === 'stopped',
  );

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'stop-instances-'));
  mkdirSync(join(directory, 'data'));
  failures = [];
  host = new ProcessHost({
    facts: {
      ...{ cluster: 'c', name: 'node1', instanceId, address: '127.0.0.2', port: 5432, osUser: userInfo().username },
      ...{ dataDirectory: join(directory, 'data'), binDirectory: '/nonexistent', socketDirectory: undefined, region },
      ...{ availabilityZone: `${region}a`, vpcId: 'vpc-1', subnetId: 'subnet-1', securityGroupId: 'sg-1' },
    },
    directory,
    memory: join(directory, 'memory'),
    user: findOsUser(userInfo().username),
    programs: {},
    say: () => {},
  });
  const service = ec2Service(new Hosts([host], new Set()), (_what, error) => failures.push(error));
  const [checked] = await checkedServices([service]);
  call = async (operation, input) =>
    checked?.operations[operation]?.call({ InstanceId: [instanceId], ...input }, caller);
  await host.boot();
});

afterEach(async () => {
  await host.powerOff();
  rmSync(directory, { recursive: true, force: true });
  expect(failures).toEqual([]);
});

test.each([{}, { Force: 'true' }, { SkipOsShutdown: 'false', Force: 'true' }])(
  'the operating system shuts down first: %j',
  async (how) => {
    await startServer(2);
    expect(await call('StopInstances', how)).toMatchObject({ instancesSet: [{ currentState: { name: 'stopping' } }] });
    await stopped();
    expect(endedCleanly()).toBe(true);
  },
);

test.each([{ SkipOsShutdown: 'true' }, { SkipOsShutdown: 'true', Force: 'true' }])(
  'the power is cut: %j',
  async (how) => {
    await startServer(2);
    await call('StopInstances', how);
    await stopped();
    expect(endedCleanly()).toBe(false);
  },
);

test('the power is cut while a shutdown is under way', async () => {
  await startServer(600);
  await call('StopInstances', { Force: 'true' });
  await eventually(
    async () => host.state,
    (state) => state === 'stopping',
  );
  await call('StopInstances', { Force: 'true', SkipOsShutdown: 'true' });
  await stopped();
  expect(endedCleanly()).toBe(false);
});

test('a host that has died is waited for in vain, until its power is cut', async () => {
  await host.die();
  expect(host.state).toBe('running');
  await call('StopInstances', { Force: 'true' });
  expect(host.state).toBe('stopping');
  await call('StopInstances', { Force: 'true', SkipOsShutdown: 'true' });
  await stopped();
});

test('a reboot shuts the operating system down first, too', async () => {
  await startServer(2);
  await call('RebootInstances', {});
  await eventually(
    async () => endedCleanly() && host.state === 'running',
    (rebooted) => rebooted,
  );
});
