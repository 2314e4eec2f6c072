/** The hosts of all clusters. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { sharedNetwork } from '../faults/faults.ts';
import { AwsError } from '../protocols/aws-error.ts';
import type { Host, HostFacts } from './host.ts';
import type { Hosting } from './hosting.ts';
import { findOsUser, userCan } from './os-user.ts';
import { ProcessHost } from './process-host.ts';

/** Facts about every node of a cluster. */
export function hostFacts(cluster: Cluster): HostFacts[] {
  const { name, postgres, network, nodes } = cluster;
  const [subnet] = network.observerSubnets;
  return nodes.map((node) => ({
    cluster: name,
    name: node.name,
    instanceId: node.instanceId,
    address: node.address,
    port: node.port ?? postgres.port,
    dataDirectory: node.dataDirectory ?? postgres.dataDirectory,
    binDirectory: postgres.binDirectory,
    socketDirectory: node.socketDirectory ?? postgres.socketDirectory,
    osUser: postgres.osUser,
    region: network.region,
    availabilityZone: subnet?.availabilityZone ?? `${network.region}a`,
    vpcId: network.vpcId,
    subnetId: subnet?.subnetId ?? '',
    securityGroupId: network.nodeSecurityGroupId,
  }));
}

/** A shell script that runs our `aws` with a Node.js that the PostgreSQL user can run, too. */
function awsProgram(node: string, script: string): string {
  return `#!/bin/sh\nexec '${node}' --no-warnings '${script}' "$@"\n`;
}

/** Makes a process host for every node of the clusters; checks that their user can work there. */
export function makeProcessHosts(
  clusters: readonly Cluster[],
  directory: string,
  say: (line: string) => void,
): Hosting {
  const nodes = join(directory, 'nodes');
  const programs = join(directory, 'bin');
  mkdirSync(nodes, { recursive: true, mode: 0o755 });
  mkdirSync(programs, { recursive: true, mode: 0o755 });
  const script = join(programs, 'aws-on-host.mjs');
  copyFileSync(new URL('./aws-on-host.mjs', import.meta.url), script);
  const taken = new Set<string>();
  const hosts = clusters.flatMap(hostFacts).map((facts) => {
    if (taken.has(facts.name)) throw new Error(`Two clusters have a node ${facts.name}; hosts are kept by node name`);
    taken.add(facts.name);
    const user = findOsUser(facts.osUser);
    let node = process.execPath;
    if (!userCan(user, '-x', node)) {
      node = join(programs, 'node');
      copyFileSync(process.execPath, node);
    }
    const own = join(nodes, facts.name);
    const memory = join(directory, 'memory', facts.name);
    const host = new ProcessHost({
      ...{ facts, directory: own, memory, user, say },
      programs: { aws: awsProgram(node, script) },
    });
    if (!userCan(user, '-w', own)) {
      throw new Error(
        `The user ${user.name} cannot reach ${own}: every directory above it must let others in (chmod o+x), or give another place with --dir`,
      );
    }
    return host;
  });
  return { hosts, network: sharedNetwork, networkCommand: [], listen: async () => [], close: async () => undefined };
}

/** What EC2 knows of an instance beyond its host. */
export interface InstanceKind {
  /** The Auto Scaling group that it belongs to. */
  readonly autoScalingGroup: string | null;
  /** Of a one-time spot request. */
  readonly spot: boolean;
}

/** Hosts by instance id. */
export class Hosts {
  readonly #hosts: Map<string, Host>;
  readonly #kinds = new Map<Host, InstanceKind>();

  readonly #withoutAgent: ReadonlySet<string>;

  /** @param withoutAgent nodes on whose hosts the SSM agent was never installed */
  constructor(hosts: readonly Host[], withoutAgent: ReadonlySet<string>) {
    this.#hosts = new Map(hosts.map((host) => [host.facts.instanceId, host]));
    this.#withoutAgent = withoutAgent;
  }

  /** True when SSM knows the host: its agent has registered at some time. */
  isManaged(host: Host): boolean {
    return !this.#withoutAgent.has(host.facts.name);
  }

  /** What kind of an instance a host is; an ordinary one unless somebody has said otherwise. */
  kindOf(host: Host): InstanceKind {
    return this.#kinds.get(host) ?? { autoScalingGroup: null, spot: false };
  }

  /** Makes a host another kind of instance. */
  setKind(host: Host, kind: InstanceKind): void {
    this.#kinds.set(host, kind);
  }

  /** Hosts of a region, in the order of the configuration. */
  list(region?: string): Host[] {
    return [...this.#hosts.values()].filter(({ facts }) => region === undefined || facts.region === region);
  }

  /** The host of an instance id; undefined when there is none. */
  find(instanceId: string, region: string): Host | undefined {
    const host = this.#hosts.get(instanceId);
    return host?.facts.region === region ? host : undefined;
  }

  /** The host of an instance id as EC2 looks it up. */
  require(instanceId: string, region: string): Host {
    const host = this.find(instanceId, region);
    if (host === undefined) {
      throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`);
    }
    return host;
  }
}
