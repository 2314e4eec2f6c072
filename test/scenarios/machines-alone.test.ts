/** Runtimes with machines leave each other alone, and leave nothing behind; a setup that lost a machine goes on. */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { healFaults, makeFault } from '../../local/client/control.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { stepEntered } from '../support/executions.ts';
import {
  connectTo,
  expectHealthy,
  machineGroups,
  networksOf,
  noMachines,
  setUp,
  shell,
  startMachines,
  titled,
  tracesOf,
} from '../support/machines.ts';

describe.skipIf(noMachines)(titled('runtimes with machines'), () => {
  it('do not disturb each other, with the same addresses', async () => {
    await using one = await startMachines();
    await using other = await startMachines();
    await Promise.all([setUp(one), setUp(other)]);
    const clusterId = (runtime: typeof one) =>
      superuserSql(
        runtime.cluster,
        nodeNamed(runtime.cluster, 'pg_sync_slave01'),
        'select system_identifier from pg_control_system()',
      );
    expect(await clusterId(one)).not.toBe(await clusterId(other));
    await makeFault(one.endpoint, { kind: 'cut', node: 'pg_sync_slave01' });
    expect(await shell(one, 'pg_sync_slave01', connectTo('192.168.168.133', 5432))).toBe('cut');
    expect(await shell(other, 'pg_sync_slave01', connectTo('192.168.168.133', 5432))).toBe('open');
    await healFaults(one.endpoint);
    await one.stop();
    await expectHealthy(other);
  });

  it('end with everything that they made, also when they are killed; the next one goes on with the disks', async () => {
    const first = await startMachines();
    await setUp(first);
    const networks = networksOf(first);
    expect(tracesOf(first, networks)).not.toEqual([]);
    expect(machineGroups(first)).not.toEqual([]);
    await first.kill();
    await waitFor('end of the machines', 10, () => tracesOf(first, networks).length === 0 || null);

    const second = await startMachines({ directory: first.directory });
    await expectHealthy(second);
    const next = networksOf(second);
    await second.stop();
    expect(tracesOf(second, new Set([...networks, ...next]))).toEqual([]);
    expect(machineGroups(second)).toEqual([]);
    await second[Symbol.asyncDispose]();
  });

  it.each(['Configure primary', 'Take base backup'])(
    'set up again what a power cut during "%s" has interrupted',
    async (step) => {
      await using runtime = await startMachines();
      const { ec2 } = runtime.clients;
      const name = step === 'Configure primary' ? 'pg_sync_master' : 'pg_sync_slave02';
      const InstanceIds = [nodeNamed(runtime.cluster, name).instanceId];
      const execution = await startRunbook(runtime.clients, 'pg-sync', 'setup');
      await stepEntered(runtime, execution, step);
      await ec2.send(new StopInstancesCommand({ InstanceIds, SkipOsShutdown: true }));
      const outcome = await awaitRunbook(runtime.clients, 'pg-sync', execution, 240);
      expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringMatching(`${name}|${InstanceIds[0]}`) });
      await ec2.send(new StartInstancesCommand({ InstanceIds }));
      await waitFor(`boot of ${name}`, 60, () =>
        shell(runtime, name, 'systemctl is-active amazon-ssm-agent').then(
          () => true,
          () => null,
        ),
      );
      await setUp(runtime);
      await expectHealthy(runtime);
    },
  );
});
