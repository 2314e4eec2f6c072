import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { parseClusters } from '../../lambdas/contract/load-clusters.ts';
import { choosePorts, localiseClusters, placeNodes, socketDirectory } from '../../local/clusters-for-processes.ts';
import { findPostgres } from '../../local/postgres-installations.ts';
import { type ClusterInFile, exampleCluster } from '../contract/clusters-fixture.ts';

const clustersOf = (...clusters: ClusterInFile[]): Cluster[] => parseClusters(JSON.stringify(clusters), 'test');

/** A second cluster beside the example, with other names. */
const otherCluster = (change: (cluster: ClusterInFile) => void = () => {}): ClusterInFile =>
  exampleCluster((cluster) => {
    cluster.name = 'other';
    cluster.network.vpcId = 'vpc-0fedcba9876543210';
    cluster.network.nodeSecurityGroupId = 'sg-0fedcba9876543210';
    cluster.nodes.forEach((node, index) => {
      node.name = `other.${index}`;
      node.instanceId = `i-0000000000000000${index}`;
    });
    change(cluster);
  });

const bins = new Map([[12, '/opt/postgres-12/bin']]);
const options = { directory: '/srv/local', apiPort: 4566, postgresBins: bins, osUser: 'dba' };

/** An API port whose addresses only this test process uses. */
const ownPort = 20_000 + (process.pid % 20_000);

describe('localiseClusters', () => {
  it('gives every node an address of the runtime, and directories below its own', async () => {
    const { clusters } = await localiseClusters(clustersOf(exampleCluster(), otherCluster()), options);
    expect(clusters.flatMap(({ nodes }) => nodes.map(({ name, address }) => `${name} ${address}`))).toEqual([
      'pg_sync_master 127.17.214.11',
      'pg_sync_slave01 127.17.214.12',
      'pg_sync_slave02 127.17.214.13',
      'other.0 127.17.214.14',
      'other.1 127.17.214.15',
      'other.2 127.17.214.16',
    ]);
    expect(clusters[0]?.nodes[1]).toMatchObject({
      connectsFrom: '127.0.0.1',
      dataDirectory: '/srv/local/nodes/pg_sync_slave01/data',
      socketDirectory: '/srv/local/nodes/pg_sync_slave01/run',
    });
  });

  it('changes how PostgreSQL is run, and nothing else', async () => {
    const [from] = clustersOf(exampleCluster());
    const { clusters } = await localiseClusters(clustersOf(exampleCluster()), { ...options, apiPort: ownPort });
    const [to] = clusters;
    expect(to?.postgres).toEqual({
      ...from?.postgres,
      port: to?.postgres.port,
      binDirectory: '/opt/postgres-12/bin',
      dataDirectory: '/srv/local/nodes/pg_sync_master/data',
      osUser: 'dba',
      serviceControl: { kind: 'pg_ctl' },
      listenAddresses: 'address',
    });
    expect(to?.network.observerSubnets.map(({ cidr }) => cidr)).toEqual(['127.0.0.1/32']);
    const untouched = ({ name, replication, monitoring, alerts, policy }: Cluster) => ({
      name,
      replication,
      monitoring,
      alerts,
      policy,
    });
    expect(to && untouched(to)).toEqual(from && untouched(from));
  });

  it('takes several subnets of the observer', async () => {
    const cluster = exampleCluster(({ network }) => {
      network.observerSubnets.push({
        subnetId: 'subnet-0fedcba9876543210',
        cidr: '192.168.169.0/24',
        availabilityZone: 'us-east-1b',
      });
    });
    const { clusters } = await localiseClusters(clustersOf(cluster), options);
    expect(clusters[0]?.network.observerSubnets.map(({ cidr }) => cidr)).toEqual(['127.0.0.1/32', '127.0.0.2/32']);
  });

  it('is the same again for what it made, so a second run changes no directory', async () => {
    const once = await localiseClusters(clustersOf(exampleCluster()), { ...options, apiPort: ownPort });
    const twice = await localiseClusters(once.clusters, { ...options, apiPort: ownPort });
    expect(twice.clusters).toEqual(once.clusters);
    expect(twice.replacements).toEqual([]);
  });

  it('says what it replaced, in aligned columns', async () => {
    const { clusters, replacements } = await localiseClusters(clustersOf(exampleCluster()), {
      ...options,
      apiPort: ownPort,
    });
    const address = clusters[0]?.nodes[1]?.address;
    expect(replacements).toContain(
      'pg-sync                   service control  systemd (postgresql-12.service) → pg_ctl',
    );
    expect(replacements).toContain(`pg-sync  pg_sync_slave01  address          192.168.168.134 → ${address}`);
    expect(replacements.join('\n')).not.toContain('port');
  });

  it.runIf(findPostgres().length > 0)('takes the newest version that is installed for one that is not', async () => {
    const [newest] = findPostgres();
    const missing = [12, 13, 14, 15, 16, 17, 18].find((major) =>
      findPostgres().every(({ majorVersion }) => majorVersion !== major),
    );
    const cluster = exampleCluster(({ postgres }) => {
      postgres.majorVersion = missing ?? 12;
    });
    const { clusters, replacements } = await localiseClusters(clustersOf(cluster), {
      ...options,
      postgresBins: new Map(),
    });
    expect(clusters[0]?.postgres).toMatchObject({
      majorVersion: newest?.majorVersion,
      binDirectory: newest?.binDirectory,
    });
    expect(replacements[0]).toContain(`${missing} → ${newest?.majorVersion} (${missing} is not installed here)`);
  });

  describe('with a port that is taken', () => {
    let server: Server | undefined;
    afterEach(() => new Promise((done) => (server === undefined ? done(undefined) : server.close(done))));

    it('gives all nodes another one', async () => {
      const address = `127.${ownPort >> 8}.${ownPort & 0xff}.12`;
      await new Promise<void>((done) => {
        server = createServer().listen(5432, address, done);
      });
      const { clusters, replacements } = await localiseClusters(clustersOf(exampleCluster()), {
        ...options,
        apiPort: ownPort,
      });
      const port = clusters[0]?.postgres.port;
      expect(port).not.toBe(5432);
      expect(port).toBeGreaterThan(1023);
      expect(replacements.join('\n')).toContain(`5432 → ${port} (5432 is taken)`);
    });
  });

  it('refuses nodes of one name in two clusters, which would be one host', async () => {
    const clusters = clustersOf(
      exampleCluster(),
      otherCluster(({ nodes }) => {
        if (nodes[1] !== undefined) nodes[1].name = 'PG_SYNC_slave01';
      }),
    );
    await expect(localiseClusters(clusters, options)).rejects.toMatchObject({
      name: 'InvalidClusters',
      message: expect.stringContaining(
        'clusters[1].nodes[1].name: "PG_SYNC_slave01" is the name of another host (clusters[0].nodes[1].name)',
      ),
    });
  });

  it('refuses a directory whose name scripts would not take', async () => {
    await expect(
      localiseClusters(clustersOf(exampleCluster()), { ...options, directory: '/srv/my files' }),
    ).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it('refuses a user that the file’s rules refuse', async () => {
    await expect(localiseClusters(clustersOf(exampleCluster()), { ...options, osUser: 'root' })).rejects.toThrow(
      'clusters[0].postgres.osUser: "root"',
    );
  });
});

describe('placeNodes', () => {
  it('refuses more nodes than there are addresses for', () => {
    const [cluster] = clustersOf(exampleCluster());
    const [node] = cluster?.nodes ?? [];
    if (cluster === undefined || node === undefined) throw new Error('no node');
    const nodes = Array.from({ length: 241 }, (_, index) => ({ ...node, name: `n${index}` }));
    expect(() => placeNodes([{ ...cluster, nodes }], options)).toThrow('241 nodes are too many for one machine');
    expect(placeNodes([{ ...cluster, nodes: nodes.slice(1) }], options)[0]?.nodes.at(-1)?.address).toBe(
      '127.17.214.250',
    );
  });
});

describe('socketDirectory', () => {
  const deep = `/srv/${'d'.repeat(80)}`;

  it('is beside the data directory where that is short enough', () => {
    expect(socketDirectory('/srv/local', 'a', 11)).toBe('/srv/local/nodes/a/run');
  });

  it('is short and always the same where it is not', () => {
    const short = socketDirectory(deep, 'a', 11, '/tmp');
    expect(short).toMatch(/^\/tmp\/pg-sync-[0-9a-f]{10}\/11$/);
    expect(socketDirectory(deep, 'a', 11, '/tmp')).toBe(short);
    expect(socketDirectory(`${deep}e`, 'a', 11, '/tmp')).not.toBe(short);
    expect(socketDirectory(deep, 'a', 11, deep)).toBe(short);
  });

  it('leaves room for the longest name in it', () => {
    const room = 107 - '/.s.PGSQL.65535.lock'.length - '/srv/nodes//run'.length;
    expect(socketDirectory('/srv', 'n'.repeat(room), 11)).toContain('/srv/nodes/');
    expect(socketDirectory('/srv', 'n'.repeat(room + 1), 11)).not.toContain('/srv/nodes/');
  });
});

describe('choosePorts', () => {
  const [cluster] = clustersOf(
    exampleCluster(({ nodes }) => {
      if (nodes[2] !== undefined) nodes[2].port = 6543;
    }),
  );
  if (cluster === undefined) throw new Error('no cluster');

  it('keeps ports that are free, each on its own addresses', async () => {
    const asked: string[] = [];
    const ports = await choosePorts(cluster, async (address, port) => {
      asked.push(`${address}:${port}`);
      return port;
    });
    expect([...ports]).toEqual([
      [5432, 5432],
      [6543, 6543],
    ]);
    expect(asked).toEqual(['192.168.168.133:5432', '192.168.168.134:5432', '192.168.168.135:6543']);
  });

  it('looks for one that is free on all addresses', async () => {
    const offers = [40_001, 40_002];
    const ports = await choosePorts(cluster, async (address, port) => {
      if (port === 0) return offers.shift();
      const taken = port === 5432 || (port === 40_001 && address.endsWith('134'));
      return taken ? undefined : port;
    });
    expect(ports.get(5432)).toBe(40_002);
  });

  it('keeps those that an earlier runtime gave the same nodes, though something may still listen there', async () => {
    const before = [{ ...cluster, postgres: { ...cluster.postgres, port: 33_555 } }];
    const ports = await choosePorts(cluster, async () => undefined, before);
    expect([...ports]).toEqual([
      [5432, 33_555],
      [6543, 6543],
    ]);
    const other = [{ ...cluster, name: 'other', postgres: { ...cluster.postgres, port: 33_555 } }];
    expect((await choosePorts(cluster, async (_, port) => port, other)).get(5432)).toBe(5432);
  });

  it('gives up with the addresses named', async () => {
    await expect(choosePorts(cluster, async () => undefined)).rejects.toMatchObject({
      name: 'PortInUse',
      message: expect.stringContaining('192.168.168.133, 192.168.168.134'),
    });
  });
});
