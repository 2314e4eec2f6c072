/** Two clusters that between them take every way through the templates, as their files say it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { parseClusters } from '../../lambdas/contract/load-clusters.ts';

export const exampleFile = join(import.meta.dirname, '../../clusters.json');

/** Text of a clusters file that uses every option. */
export const everyOptionFile = JSON.stringify([
  {
    name: 'orders-eu',
    postgres: {
      majorVersion: 15,
      port: 6432,
      binDirectory: '/usr/lib/postgresql/15/bin',
      dataDirectory: '/data/orders',
      socketDirectory: '/data/sockets',
      osUser: 'pgadmin',
      serviceControl: { kind: 'pg_ctl' },
      listenAddresses: 'address',
      initializeIfEmpty: false,
      maxWalSenders: 20,
      walKeepSegments: 64,
      slotKeepSegments: 256,
    },
    nodes: ['Orders-A', 'orders.b', 'orders-c', 'orders_d', 'orders-e'].map((name, index) => ({
      name,
      instanceId: `i-0a1b2c3d4e5f6020${index}`,
      address: `10.1.${index}.10`,
      // One node listens elsewhere: its port must be open too.
      ...(index === 4 && { port: 7432, dataDirectory: '/data/other', connectsFrom: '10.9.4.10' }),
    })),
    replication: {
      user: 'orders_replica',
      method: 'ANY',
      count: 2,
      commitLevel: 'remote_apply',
      authentication: 'md5',
      tls: false,
    },
    monitoring: { user: 'orders_monitor', checkIntervalSeconds: 5 },
    alerts: {
      emails: ['dba@example.com', 'oncall@example.com'],
      httpEndpoints: ['https://alerts.example.com/hook', 'http://10.1.9.9/hook'],
      slack: { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD' },
    },
    network: {
      region: 'eu-central-1',
      account: '123456789012',
      vpcId: 'vpc-0fedcba9876543210',
      nodeSecurityGroupId: 'sg-0fedcba9876543210',
      observerSubnets: [
        { subnetId: 'subnet-0aaaaaaaaaaaaaaa1', cidr: '10.1.100.0/24', availabilityZone: 'eu-central-1a' },
        { subnetId: 'subnet-0aaaaaaaaaaaaaaa2', cidr: '10.1.101.0/24', availabilityZone: 'eu-central-1b' },
      ],
      hostRoleName: 'orders-hosts',
    },
    policy: { whenNoStandby: 'degrade', failover: 'automatic', autoRejoin: true },
  },
]);

/** The notes' cluster, as in the repository's `clusters.json`. */
export const example = only(parseClusters(readFileSync(exampleFile, 'utf8'), exampleFile));

/** A cluster that uses every option. */
export const everyOption = only(parseClusters(everyOptionFile, 'everyOption'));

function only([cluster]: Cluster[]): Cluster {
  if (cluster === undefined) throw new Error('no cluster');
  return cluster;
}
