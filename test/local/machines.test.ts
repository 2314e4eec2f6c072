/** The parts of machines that need no machine. */
import { describe, expect, it } from 'vitest';
import { clustersForMachines } from '../../local/clusters-for-machines.ts';
import { hostFacts } from '../../local/hosts/hosts.ts';
import { unitHierarchies } from '../../local/hosts/machines/cgroups.ts';
import { observerAddress } from '../../local/hosts/machines/machines.ts';
import { ruleSet } from '../../local/hosts/machines/packet-filter.ts';
import { systemFiles } from '../../local/hosts/machines/system-files.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const installed = new Map([[12, '/opt/pg12/bin']]);

describe('clusters for machines', () => {
  it('are as configured where the PostgreSQL version is here', () => {
    const cluster = exampleCluster();
    expect(clustersForMachines([cluster], installed)).toEqual({ clusters: [cluster], replacements: [] });
  });

  it('have another version under the same names where it is not, and say so', () => {
    const cluster = exampleCluster();
    const { clusters, replacements } = clustersForMachines([cluster], new Map());
    const [only] = clusters;
    expect(only).toEqual({ ...cluster, postgres: { ...cluster.postgres, majorVersion: only?.postgres.majorVersion } });
    expect(replacements).toEqual([
      expect.stringMatching(
        /^pg-sync +PostgreSQL +12 → 1\d \(12 is not installed here; unit and directories keep their names\)$/,
      ),
    ]);
  });

  it('share no address and no name', () => {
    const other = exampleCluster({ name: 'other' });
    expect(() => clustersForMachines([exampleCluster(), other], installed)).toThrow(
      /clusters\[1\]\.nodes\[0\]\.address: "192\.168\.168\.133" is the address of another host \(clusters\[0\]/,
    );
  });
});

describe('the observer', () => {
  it('connects from the last free address of its subnet', () => {
    const cluster = exampleCluster();
    expect(observerAddress(cluster, new Set())).toBe('192.168.168.254');
    expect(observerAddress(cluster, new Set(['192.168.168.254']))).toBe('192.168.168.253');
  });

  it('needs one', () => {
    const { network, ...cluster } = exampleCluster();
    const [subnet] = network.observerSubnets;
    if (subnet === undefined) throw new Error('the example has a subnet');
    const full = { ...cluster, network: { ...network, observerSubnets: [{ ...subnet, cidr: '10.0.0.0/30' }] } };
    expect(() => observerAddress(full, new Set(['10.0.0.1', '10.0.0.2']))).toThrow(/has no address that no node has/);
  });
});

describe('faults as rules', () => {
  const ports = [
    { node: 'a', link: 'vb-n1', sqlPort: 5432 },
    { node: 'b', link: 'vb-n2', sqlPort: 5433 },
  ];
  /** Rules by chain. */
  const rules = (...faults: Parameters<typeof ruleSet>[0]) =>
    Object.fromEntries(
      ruleSet(faults, ports, 4566)
        .split('  chain ')
        .slice(1)
        .map((chain) => [chain.split(' ')[0], [...chain.matchAll(/^ {4}(.+ drop)$/gm)].map(([, rule]) => rule)]),
    );
  const one = '{ "vb-n1", "vb-n1-slow" }';
  const two = '{ "vb-n2", "vb-n2-slow" }';

  it('replace the former ones, even when there are none', () => {
    expect(ruleSet([], ports, 4566)).toMatch(
      /^table bridge faults\ndelete table bridge faults\ntable bridge faults \{/,
    );
    expect(rules()).toEqual({ forward: [], input: [], output: [] });
  });

  it('drop both ways', () => {
    expect(rules({ kind: 'cut-between', node: 'a', other: 'b' }).forward).toEqual([
      `iifname ${one} oifname ${two} drop`,
      `iifname ${two} oifname ${one} drop`,
    ]);
    expect(rules({ kind: 'cut', node: 'a' })).toEqual({
      forward: [`iifname ${one} drop`, `oifname ${one} drop`],
      input: [`iifname ${one} drop`],
      output: [`oifname ${one} drop`],
    });
  });

  it('know PostgreSQL and AWS by their ports', () => {
    expect(rules({ kind: 'cut-sql', node: 'b' }, { kind: 'cut-ssm', node: 'a' })).toEqual({
      forward: [],
      input: [`iifname ${two} tcp sport 5433 drop`, `iifname ${one} tcp dport 4566 drop`],
      output: [`oifname ${two} tcp dport 5433 drop`, `oifname ${one} tcp sport 4566 drop`],
    });
  });

  it('lose a share of the packets, or all', () => {
    expect(rules({ kind: 'loss', node: 'a', percent: 2.5 }).input).toEqual([
      `iifname ${one} numgen random mod 1000 < 25 drop`,
    ]);
    expect(rules({ kind: 'loss', node: 'a', percent: 100 }).input).toEqual([`iifname ${one} drop`]);
  });
});

describe('control groups', () => {
  it.each([
    [
      'version 2 alone',
      '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate',
      ['/sys/fs/cgroup'],
    ],
    [
      'version 1 with units in a hierarchy of their own',
      [
        '31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
        '32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
        '33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      ].join('\n'),
      ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'],
    ],
  ])('of units are found: %s', (_, mountInfo, mounts) => {
    expect(unitHierarchies(mountInfo).map(({ mount }) => mount)).toEqual(mounts);
  });
});

describe('a machine’s own files', () => {
  const [facts] = hostFacts(exampleCluster());
  if (facts === undefined) throw new Error('the example has nodes');
  const system = {
    facts,
    hostname: 'one',
    machineId: '0'.repeat(32),
    installedIn: '/usr/lib/postgresql/15/bin',
    notifies: true,
  };
  const filesFor = (unit: string | undefined) =>
    new Map(systemFiles({ ...system, unit }).map((file) => [file.path, 'text' in file ? file.text : file.target]));

  it('hold the unit as packages do, which nothing starts before setup', () => {
    const files = filesFor('postgresql-12.service');
    const unit = files.get('/etc/systemd/system/postgresql-12.service');
    expect(unit).toContain('ExecStart=/usr/pgsql-12/bin/postgres -D ${PGDATA}\n');
    expect(unit).toContain('Environment=PGDATA=/var/lib/pgsql/12/data\n');
    expect(unit).toContain('Type=notify\n');
    expect(files.get('/usr/pgsql-12/bin')).toBe('/usr/lib/postgresql/15/bin');
    expect([...files.keys()].filter((path) => path.includes('.wants/postgresql'))).toEqual([]);
  });

  it('start PostgreSQL by pg_ctl where the cluster does', () => {
    expect(filesFor(undefined).get('/etc/systemd/system/postgresql-autostart.service')).toContain(
      'ConditionPathExists=/var/lib/pgsql/12/data.runbook/autostart\n',
    );
  });
});
