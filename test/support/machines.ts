/** What tests of hosts that are machines look at from inside of them. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onHost } from '../../local/client/host-access.ts';
import { nodeNamed, superuserSql, waitForSql } from '../../local/client/node-sql.ts';
import { type RunbookOutcome, runRunbook } from '../../local/client/runbook-run.ts';
import { waitFor } from '../../local/client/wait-for.ts';
import { groupPrefix } from '../../local/hosts/machines/machines.ts';
import { whyNoMachines } from '../../local/hosts/machines/why-no-machines.ts';
import { LocalRuntime, type RuntimeOptions } from './local-runtime.ts';

const run = promisify(execFile);

const why = await whyNoMachines();

/** For `describe.skipIf`. */
export const noMachines = why !== undefined;

/** A title that says why its tests are skipped, where they are. */
export const titled = (title: string) => (why === undefined ? title : `${title} (skipped: ${why})`);

/** Three machines from the notes' clusters file, or others. */
export function startMachines(options: Partial<RuntimeOptions> = {}): Promise<LocalRuntime> {
  const args = ['--hosts', 'machines', ...(options.args ?? [])];
  return LocalRuntime.start({ clusters: 'clusters.json', ...options, args });
}

/** Runs setup; its output when it succeeds. */
export async function setUp(runtime: LocalRuntime): Promise<Record<string, unknown>> {
  const outcome: RunbookOutcome = await runRunbook(runtime.clients, 'pg-sync', 'setup', 240);
  if (outcome.status !== 'SUCCEEDED') throw new Error(`${outcome.error}: ${outcome.cause}`);
  return outcome.output;
}

/** Runs a shell command on a machine as root; gives what it says. */
export async function shell(runtime: LocalRuntime, name: string, command: string): Promise<string> {
  const { cluster } = runtime;
  return (await onHost(cluster, nodeNamed(cluster, name), ['bash', '-c', command])).trim();
}

/** Does what reboots a machine, and waits until it is up again. */
export async function reboot(runtime: LocalRuntime, name: string, how: () => Promise<unknown>): Promise<void> {
  const boot = () => shell(runtime, name, 'cat /proc/sys/kernel/random/boot_id').catch(() => '');
  const before = await boot();
  await how();
  // Often, for what holds from the first moment on is looked at then.
  await waitFor(`reboot of ${name}`, 120, async () => !['', before].includes(await boot()) || null, 10);
}

/** The runtime's own network: process 1 of its room holds it. */
export function roomOf(runtime: LocalRuntime): number {
  return Number.parseInt(readFileSync(join(runtime.directory, 'room.pid'), 'utf8'), 10);
}

/** Runs a shell command where functions in the VPC run. */
export async function shellInNetwork(runtime: LocalRuntime, command: string): Promise<string> {
  const { stdout } = await run('nsenter', [`--net=/proc/${roomOf(runtime)}/ns/net`, '--', 'bash', '-c', command]);
  return stdout.trim();
}

/**
 * A shell command that says what becomes of a TCP connection: `open`; `refused` when the machine answers and nothing
 * listens; `cut` when nobody answers; else the error.
 */
export const connectTo = (address: string, port: number | string) =>
  `said=$(LC_ALL=C timeout 3 bash -c '</dev/tcp/${address}/${port}' 2>&1)
   case $?:$said in
     0:*) echo open ;;
     124:* | *'No route to host'*) echo cut ;; # the latter where not even the question for the other's address is answered
     *'Connection refused'*) echo refused ;;
     *) echo "$said" ;;
   esac`;

/** Waits until PostgreSQL on a machine listens, as the machine itself sees it: no fault of the network is in between. */
export async function listens(runtime: LocalRuntime, name: string): Promise<void> {
  const { port } = runtime.cluster.postgres;
  await waitFor(`PostgreSQL on ${name}, port ${port}`, 60, async () => {
    const seen = await shell(runtime, name, connectTo('127.0.0.1', port)).catch((error: Error) => error.message);
    return seen === 'open' || null;
  });
}

/** The unit of PostgreSQL on the machines of the notes' clusters file. */
export const unit = 'postgresql-12.service';

/** Whether PostgreSQL's unit on a machine runs, and whether it starts at boot: `active` and `enabled`, a line each. */
export function unitState(runtime: LocalRuntime, name: string): Promise<string> {
  return shell(runtime, name, `systemctl is-active ${unit}; systemctl is-enabled ${unit}`);
}

const replicationQuery = 'select application_name, client_addr, sync_state from pg_stat_replication order by 1';

/** Rows of pg_stat_replication on the first node. */
export function replication(runtime: LocalRuntime): Promise<string> {
  return superuserSql(runtime.cluster, nodeNamed(runtime.cluster, 'pg_sync_master'), replicationQuery);
}

/** The same on the primary, when all is well. */
export function healthyReplication({ cluster }: LocalRuntime, primary = 'pg_sync_master'): string {
  return cluster.nodes
    .filter(({ name }) => name !== primary)
    .map(({ name, address }, index) => `${name}|${address}|${index === 0 ? 'sync' : 'potential'}`)
    .join('\n');
}

/**
 * Waits until the cluster is healthy again by itself, and a write is durable. A primary may list a standby whose host
 * lost its power, or which booted since, until `wal_sender_timeout` is over: so the standbys are asked first.
 */
export async function expectHealthy(runtime: LocalRuntime, name = 'pg_sync_master'): Promise<void> {
  const primary = nodeNamed(runtime.cluster, name);
  const receiving = 'select status from pg_stat_wal_receiver';
  for (const standby of runtime.cluster.nodes.filter((node) => node.name !== name)) {
    await waitForSql(runtime.cluster, standby, receiving, 'streaming', 60);
  }
  await waitForSql(runtime.cluster, primary, replicationQuery, healthyReplication(runtime, name), 60);
  await superuserSql(
    runtime.cluster,
    primary,
    'begin; set local synchronous_commit = on; create temp table t () on commit drop; select txid_current(); commit',
  );
}

/** Everything on this system that is of machines: processes, namespaces by their users, mounts, control groups. */
export function tracesOf(runtime: { readonly directory: string }, networks: ReadonlySet<string>): string[] {
  const processes = readdirSync('/proc').filter((pid) => {
    try {
      const network = /^\d+$/.test(pid) ? readlinkSync(`/proc/${pid}/ns/net`) : '';
      return networks.has(network) || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(runtime.directory);
    } catch {
      return false;
    }
  });
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(runtime.directory));
  return [...processes.map((pid) => `process ${pid}`), ...mounts];
}

/** Network namespaces of a runtime's room and machines. */
export function networksOf(runtime: LocalRuntime): Set<string> {
  const inits = runtime.cluster.nodes.map(({ name }) =>
    Number.parseInt(readFileSync(join(runtime.directory, 'nodes', name, 'init.pid'), 'utf8'), 10),
  );
  return new Set([roomOf(runtime), ...inits].map((pid) => readlinkSync(`/proc/${pid}/ns/net`)));
}

/** Control groups of a runtime's machines; other runtimes may run beside it. */
export function machineGroups(runtime: { readonly directory: string }): string[] {
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].flatMap((mount) => {
    try {
      return readdirSync(mount).filter((name) => name.startsWith(groupPrefix(runtime.directory)));
    } catch {
      return [];
    }
  });
}
