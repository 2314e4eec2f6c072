/** Clusters whose documents are looked at and not run. */
import { type Cluster, clustersSchema } from '../../lambdas/contract/cluster-config.ts';

/** A cluster of four nodes with differing ports and directories, and names with other signs. */
export function clusterOf(changes: object = {}): Cluster {
  const [cluster] = clustersSchema.parse([
    {
      name: 'pg-test',
      postgres: {
        majorVersion: 15,
        binDirectory: '/usr/pgsql-15/bin',
        dataDirectory: '/data/shared',
        serviceControl: { kind: 'systemd', unit: 'postgresql-15.service' },
      },
      nodes: [
        { name: 'alpha', dataDirectory: '/data/alpha' },
        { name: 'beta.1', port: 5433 },
        { name: 'gamma', connectsFrom: '10.0.0.99' },
        { name: 'Delta-2.x' },
      ].map((node, index) => ({ ...node, ...instance(index) })),
      network: {
        region: 'eu-west-1',
        vpcId: 'vpc-0123456789abcdef0',
        nodeSecurityGroupId: 'sg-0123456789abcdef0',
        observerSubnets: [
          { subnetId: 'subnet-0123456789abcdef0', cidr: '10.1.0.0/24', availabilityZone: 'eu-west-1a' },
        ],
      },
      ...changes,
    },
  ]);
  if (cluster === undefined) throw new Error('no cluster');
  return cluster;
}

/** As many nodes as the schema allows, with names and directories as long as they get. */
export function largestCluster(): Cluster {
  return clusterOf({
    nodes: Array.from({ length: 32 }, (_, index) => ({
      ...instance(index),
      name: `${index}-`.padEnd(63, 'x'),
      connectsFrom: `192.168.200.${100 + index}`,
      port: 60000 + index,
      dataDirectory: `/data/${`${index}`.padEnd(100, 'd')}`,
      socketDirectory: `/run/${`${index}`.padEnd(80, 's')}`,
    })),
  });
}

const instance = (index: number) => ({
  instanceId: `i-${`${index}`.padStart(17, '0')}`,
  address: `192.168.100.${100 + index}`,
});

/** What a deployment tells its command documents. */
export const facts = {
  replicationSecretId: 'pg/replication-AbC',
  monitoringSecretId: 'pg/monitoring',
  region: 'eu-west-1',
};
