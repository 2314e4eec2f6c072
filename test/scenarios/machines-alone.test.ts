/** Runtimes with machines leave each other alone, and leave nothing behind; a setup that lost a machine goes on. */
import { StartInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healFaults, makeFault } from '../../local/client/control.ts';
import { nodeNamed, superuserSql } from '../../local/client/node-sql.ts';
import { awaitRunbook, startRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { stepEntered } from '../support/executions.ts';
import type { LocalRuntime } from '../support/local-runtime.ts';
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
  describe.sequential('two at once', () => {
    let one: LocalRuntime;
    let other: LocalRuntime;
    beforeAll(async () => {
      one = await startMachines();
      other = await startMachines();
      await Promise.all([setUp(one), setUp(other)]);
    });
    afterAll(async () => {
      await one?.[Symbol.asyncDispose]();
      await other?.[Symbol.asyncDispose]();
    });

    it('do not disturb each other, with the same addresses', async () => {
      const clusterId = (runtime: LocalRuntime) =>
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
      const networks = networksOf(other);
      expect(tracesOf(other, networks)).not.toEqual([]);
      expect(machineGroups(other)).not.toEqual([]);
      await other.kill();
      await waitFor('end of the machines', 10, () => tracesOf(other, networks).length === 0 || null);

      other = await startMachines({ directory: other.directory });
      await expectHealthy(other);
      const next = networksOf(other);
      await other.stop();
      expect(tracesOf(other, new Set([...networks, ...next]))).toEqual([]);
      expect(machineGroups(other)).toEqual([]);
    });
  });

  describe.sequential('setup goes on', () => {
    let runtime: LocalRuntime;
    beforeAll(async () => {
      runtime = await startMachines();
    });
    afterAll(() => runtime?.[Symbol.asyncDispose]());

    it.each([
      ['Configure primary', 'pg_sync_master'],
      ['Take base backup', 'pg_sync_slave02'],
    ])('with what a power cut during "%s" has left on %s', async (step, name) => {
      const { ec2 } = runtime.clients;
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
    });

    it('to a healthy cluster', async () => {
      await setUp(runtime);
      await expectHealthy(runtime);
    });
  });
});
