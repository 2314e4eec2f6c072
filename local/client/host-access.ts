/** How who watches a rehearsal gets onto a host, whatever it is made of: by its files, and as a DBA with a shell there. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster, ClusterNode } from '../../lambdas/contract/cluster-config.ts';
import { loadClusters } from '../../lambdas/contract/load-clusters.ts';
import { findProcess } from '../hosts/all-processes.ts';
import { intoMachine } from '../hosts/machines/enter.ts';

const run = promisify(execFile);

/** A cluster as a local runtime runs it. */
export type LocalCluster = Cluster & {
  /** Directory of the runtime whose machines are the hosts; hosts are processes when omitted. */
  readonly machinesIn?: string;
};

/** The clusters of a running runtime. */
export function localClusters(directory: string): LocalCluster[] {
  const clusters = loadClusters(join(directory, 'clusters.json'));
  if (livingProcess(join(directory, 'room.pid')) === undefined) return clusters;
  return clusters.map((cluster) => ({ ...cluster, machinesIn: resolve(directory) }));
}

/** The process that a file names by its number and its start, if it still lives. */
function livingProcess(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const [pid, started] = readFileSync(file, 'utf8').trim().split(' ');
  return findProcess(Number(pid))?.started === started ? Number(pid) : undefined;
}

/** Process 1 of a machine that is up. */
function initOf(machinesIn: string, node: ClusterNode): number {
  const init = livingProcess(join(machinesIn, 'nodes', node.name, 'init.pid'));
  if (init === undefined) throw new Error(`${node.name} is not up`);
  return init;
}

/** Data directory of a node, as it is configured. */
export function dataDirectoryOf(cluster: Cluster, node: ClusterNode): string {
  return node.dataDirectory ?? cluster.postgres.dataDirectory;
}

/** A path of a host, as this process sees it; of a machine also while it is off. */
export function hostPath({ machinesIn }: LocalCluster, node: ClusterNode, path: string): string {
  if (machinesIn === undefined) return path;
  const room = livingProcess(join(machinesIn, 'room.pid'));
  if (room === undefined) throw new Error(`the machines of ${machinesIn} are gone`);
  return join(`/proc/${room}/root`, machinesIn, 'nodes', node.name, 'root', path);
}

/** The directory of a host that holds all that setup makes there, as this process sees it. */
export function postgresHome(cluster: LocalCluster, node: ClusterNode): string {
  return hostPath(cluster, node, dirname(dataDirectoryOf(cluster, node)));
}

/** Runs a program on a host, as root where the host has one; gives its output. */
export async function onHost(
  { machinesIn }: LocalCluster,
  node: ClusterNode,
  command: readonly string[],
  timeoutSeconds = 60,
): Promise<string> {
  const [program = '', ...args] = machinesIn === undefined ? command : intoMachine(initOf(machinesIn, node), command);
  const { stdout } = await run(program, args, { timeout: timeoutSeconds * 1000, cwd: '/' });
  return stdout;
}

/** The command, as the operating system user of PostgreSQL. */
export function asPostgresUser(cluster: Cluster, command: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? ['runuser', '-u', cluster.postgres.osUser, '--', ...command] : command;
}

/** What PostgreSQL on a host has logged. */
export async function serverLog(cluster: LocalCluster, node: ClusterNode): Promise<string> {
  const { serviceControl } = cluster.postgres;
  if (serviceControl.kind === 'systemd') {
    return onHost(cluster, node, ['journalctl', '--unit', serviceControl.unit, '--output=cat', '--no-pager']);
  }
  return readFileSync(hostPath(cluster, node, `${dataDirectoryOf(cluster, node)}.runbook/postgresql.log`), 'utf8');
}

/** The network that PostgreSQL's own host is in, for `nsenter --net=`; undefined where it is this process's. */
export function networkOf({ machinesIn }: LocalCluster, node: ClusterNode): string | undefined {
  return machinesIn === undefined ? undefined : `/proc/${initOf(machinesIn, node)}/ns/net`;
}
