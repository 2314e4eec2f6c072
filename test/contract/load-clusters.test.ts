import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadClusters, parseClusters } from '../../lambdas/contract/load-clusters.ts';
import { type ClusterInFile, exampleCluster, exampleText, problemsOf, problemsOfText } from './clusters-fixture.ts';

/** Problems of the example cluster after a change. */
const problemsAfter = (change: (cluster: ClusterInFile) => void): string[] => problemsOf([exampleCluster(change)]);

/** Sets a value that the types would not let through. */
function set(target: object, key: string | number, value: unknown): void {
  (target as Record<string | number, unknown>)[key] = value;
}

describe('a right file', () => {
  it('is the example, with defaults filled in', () => {
    const [cluster] = parseClusters(exampleText, 'clusters.json');
    expect(cluster).toMatchObject({
      name: 'pg-sync',
      postgres: { port: 5432, initializeIfEmpty: true },
      replication: { authentication: 'scram-sha-256', tls: true },
      policy: { whenNoStandby: 'block', minimumFreeMiB: 256 },
    });
  });

  it('may begin with a byte order mark', () => {
    expect(problemsOfText(`\uFEFF${exampleText}`)).toEqual([]);
  });

  it.each([
    ['names that need quotes in synchronous_standby_names', ['Node.A-1', 'FIRST', 'any']],
    ['63 characters', ['a'.repeat(63), 'b'.repeat(63), 'c'.repeat(63)]],
  ])('may have %s', (_, names) => {
    expect(
      problemsAfter(({ nodes }) => {
        nodes.forEach((node, index) => {
          node.name = names[index] ?? '';
        });
      }),
    ).toEqual([]);
  });

  it('may live on loopback addresses, as the local runtime writes it', () => {
    const problems = problemsAfter((cluster) => {
      cluster.nodes.forEach((node, index) => {
        node.address = `127.17.214.${index + 11}`;
        node.connectsFrom = '127.0.0.1';
        node.dataDirectory = `/tmp/local/nodes/${node.name}/data`;
        node.socketDirectory = `/tmp/local/nodes/${node.name}/run`;
      });
      cluster.postgres.serviceControl = { kind: 'pg_ctl' };
      cluster.postgres.listenAddresses = 'address';
      set(cluster.network.observerSubnets[0] ?? {}, 'cidr', '127.0.0.1/32');
    });
    expect(problems).toEqual([]);
  });
});

describe('a file that is not JSON', () => {
  const messageOf = (text: string): string => {
    try {
      parseClusters(text, 'my.json');
    } catch (error) {
      return String(error);
    }
    return 'no error';
  };

  it.each([
    ['a comma too many', '[\n  {"name": "a",}\n]', 'line 2, column 16: a key in double quotes is expected here'],
    ['a missing comma', '[{"a": 1\n"b": 2}]', 'line 2, column 1: a comma is expected here'],
    ['a comment', '// mine\n[]', 'line 1, column 1: JSON has no comments'],
    ['an unclosed array', '[\n', 'line 2, column 1: a ] is missing here'],
    ['single quotes', "[{'name': 1}]", 'line 1, column 3: this is not JSON'],
    ['something after the end', '[]\n[]', 'line 2, column 1: the file should end here'],
    ['a tab in a text', '["a\tb"]', 'line 1, column 2: a line break or tab'],
  ])('is located: %s', (_, text, where) => {
    expect(messageOf(text)).toContain(`InvalidClusters: my.json is not valid JSON: ${where}`);
  });

  it.each(['', '  \n '])('is called empty when it is (%j)', (text) => {
    expect(messageOf(text)).toContain('my.json is empty');
  });
});

describe('a file of the wrong form', () => {
  it('is told to be an array', () => {
    expect(problemsOf(exampleCluster())).toEqual([
      'clusters: must be an array of clusters; put [ and ] around the cluster',
    ]);
    expect(problemsOf(null)).toEqual(['clusters: null must be an array of clusters']);
    expect(problemsOf([])).toEqual(['clusters: must hold at least one cluster (it has 0)']);
    expect(problemsOf([7])).toEqual(['clusters[0]: 7 must be an object, { … }']);
  });

  it('has its unknown keys named, with the one that was meant', () => {
    const problems = problemsAfter((cluster) => {
      set(cluster, 'replicaton', {});
      set(cluster, 'walKeepSegments', 512);
      set(cluster.replication ?? {}, 'commit_level', 'on');
      set(cluster.policy ?? {}, 'colour', 'red');
    });
    expect(problems).toEqual([
      'clusters[0].replication.commit_level: is not a known key; did you mean "commitLevel"?',
      'clusters[0].policy.colour: is not a known key; known here: whenNoStandby, degradeMinutes, failover, autoRejoin, rebuild, minimumFreeMiB',
      'clusters[0].replicaton: is not a known key; did you mean "replication"?',
      'clusters[0].walKeepSegments: is not a known key here; it belongs to postgres',
    ]);
  });

  it('has keys that are given twice named, which JSON readers drop in silence', () => {
    const text = exampleText.replace('"count": 1,', '"count": 2,\n "count": 1,');
    expect(problemsOfText(text)).toEqual([expect.stringMatching(/^clusters\[0]\.replication\.count: is given twice/)]);
  });

  it('has what is missing named', () => {
    const problems = problemsAfter((cluster) => {
      Reflect.deleteProperty(cluster.postgres, 'binDirectory');
      Reflect.deleteProperty(cluster.postgres.serviceControl, 'kind');
      Reflect.deleteProperty(cluster, 'network');
    });
    expect(problems).toEqual([
      'clusters[0].network: is missing; it must be an object, { … }',
      'clusters[0].postgres.binDirectory: is missing; it must be a text in double quotes',
      'clusters[0].postgres.serviceControl.kind: is missing; it must be "systemd" or "pg_ctl"',
    ]);
  });

  it('gives the line of each problem', () => {
    const text = exampleText.replace('192.168.168.134', '192.168.168.300');
    const line = text.slice(0, text.indexOf('192.168.168.300')).split('\n').length;
    expect(problemsOfText(text)).toEqual([
      `clusters[0].nodes[1].address: "192.168.168.300" must be an IPv4 address (line ${line})`,
    ]);
  });
});

describe('rules of one value', () => {
  it.each<[string, (cluster: ClusterInFile) => void, string]>([
    ['port too low', ({ postgres }) => set(postgres, 'port', 80), 'postgres.port: 80 must be 1024 to 65535'],
    [
      'port of the wrong type',
      ({ postgres }) => set(postgres, 'port', '5432'),
      'postgres.port: "5432" must be a number, without quotes',
    ],
    ['a fraction', ({ postgres }) => set(postgres, 'port', 5432.5), 'postgres.port: 5432.5 must be an integer'],
    [
      'PostgreSQL 11',
      ({ postgres }) => set(postgres, 'majorVersion', 11),
      'postgres.majorVersion: 11 must be 12 to 18',
    ],
    [
      'a relative directory',
      ({ postgres }) => set(postgres, 'dataDirectory', 'data'),
      'postgres.dataDirectory: "data" must be an absolute path',
    ],
    [
      'a system directory',
      ({ postgres }) => set(postgres, 'dataDirectory', '/var/lib'),
      'postgres.dataDirectory: "/var/lib" is a system directory',
    ],
    [
      'the root',
      ({ nodes }) => set(nodes[0] ?? {}, 'dataDirectory', '/'),
      'nodes[0].dataDirectory: "/" must be an absolute path',
    ],
    [
      'below /etc',
      ({ postgres }) => set(postgres, 'dataDirectory', '/etc/pg'),
      'postgres.dataDirectory: "/etc/pg" is a system directory',
    ],
    [
      'data in /run',
      ({ postgres }) => set(postgres, 'dataDirectory', '/run/pg/data'),
      'postgres.dataDirectory: "/run/pg/data" is emptied at every boot',
    ],
    [
      'data in /tmp',
      ({ postgres }) => set(postgres, 'dataDirectory', '/tmp/pg'),
      'postgres.dataDirectory: "/tmp/pg" is among temporary files',
    ],
    [
      '..',
      ({ postgres }) => set(postgres, 'dataDirectory', '/data/../etc'),
      'postgres.dataDirectory: "/data/../etc" must not contain . or ..',
    ],
    [
      'a quote in a path',
      ({ postgres }) => set(postgres, 'binDirectory', '/a";rm -rf /'),
      'postgres.binDirectory: "/a\\";rm -rf /" must be an absolute path',
    ],
    [
      'root',
      ({ postgres }) => set(postgres, 'osUser', 'root'),
      'postgres.osUser: "root" is a user that PostgreSQL refuses to run as',
    ],
    ['a star as a name', ({ nodes }) => set(nodes[1] ?? {}, 'name', '*'), 'nodes[1].name: "*" must be 1 to 63'],
    [
      'the name of a foreign receiver',
      ({ nodes }) => set(nodes[1] ?? {}, 'name', 'pg_receivewal'),
      'nodes[1].name: "pg_receivewal" is the name that PostgreSQL’s own programs',
    ],
    [
      'every address',
      ({ nodes }) => set(nodes[1] ?? {}, 'address', '0.0.0.0'),
      'nodes[1].address: "0.0.0.0" means "every address"',
    ],
    [
      'a multicast address',
      ({ nodes }) => set(nodes[1] ?? {}, 'connectsFrom', '224.0.0.1'),
      'nodes[1].connectsFrom: "224.0.0.1" is a multicast address',
    ],
    [
      'a host name',
      ({ nodes }) => set(nodes[1] ?? {}, 'address', 'db1.example.com'),
      'nodes[1].address: "db1.example.com" must be an IPv4 address',
    ],
    [
      'an instance id',
      ({ nodes }) => set(nodes[1] ?? {}, 'instanceId', 'i-XYZ'),
      'nodes[1].instanceId: "i-XYZ" must be an EC2 instance id',
    ],
    [
      'everybody as observer',
      ({ network }) => set(network.observerSubnets[0] ?? {}, 'cidr', '0.0.0.0/0'),
      'network.observerSubnets[0].cidr: "0.0.0.0/0" must be the range of one subnet',
    ],
    [
      'host bits',
      ({ network }) => set(network.observerSubnets[0] ?? {}, 'cidr', '10.0.0.9/24'),
      'network.observerSubnets[0].cidr: "10.0.0.9/24" has host bits set; the range is 10.0.0.0/24',
    ],
    [
      'no range',
      ({ network }) => set(network.observerSubnets[0] ?? {}, 'cidr', '10.0.0.0'),
      'network.observerSubnets[0].cidr: "10.0.0.0" must be an IPv4 range',
    ],
    [
      'all as a user',
      ({ replication }) => set(replication ?? {}, 'user', 'all'),
      'replication.user: "all" is a word that SQL or pg_hba.conf reserves',
    ],
    [
      'a user of PostgreSQL’s',
      ({ monitoring }) => set(monitoring ?? {}, 'user', 'pg_monitor'),
      'monitoring.user: "pg_monitor" must not start with pg_',
    ],
    [
      'a method in lower case',
      ({ replication }) => set(replication ?? {}, 'method', 'first'),
      'replication.method: "first" must be "FIRST" or "ANY"',
    ],
    [
      'a commit level that does not wait',
      ({ replication }) => set(replication ?? {}, 'commitLevel', 'local'),
      'replication.commitLevel: "local" must be "on" or',
    ],
    ['a name AWS reserves', (cluster) => set(cluster, 'name', 'aws-db'), 'name: "aws-db" must not start with aws'],
    [
      'an e-mail address',
      ({ alerts }) => set(alerts ?? {}, 'emails', ['dba']),
      'alerts.emails[0]: "dba" must be an e-mail address',
    ],
    [
      'a URL',
      ({ alerts }) => set(alerts ?? {}, 'httpEndpoints', ['ftp://x']),
      'alerts.httpEndpoints[0]: "ftp://x" must be an http or https URL',
    ],
  ])('%s', (_, change, expected) => {
    const problems = problemsAfter(change);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`clusters[0].${expected}`);
  });
});

describe('rules between values', () => {
  it.each<[string, (cluster: ClusterInFile) => void, string]>([
    [
      'names that differ in case only',
      ({ nodes }) => set(nodes[2] ?? {}, 'name', 'PG_sync_master'),
      'nodes[2].name: "PG_sync_master" is not unique, and PostgreSQL compares standby names without regard to case (nodes[0].name has it already)',
    ],
    [
      'names of one slot',
      ({ nodes }) => {
        set(nodes[1] ?? {}, 'name', 'a.b');
        set(nodes[2] ?? {}, 'name', 'a-b');
      },
      'nodes[2].name: "a-b" maps to the replication slot "a_b", as "a.b" does',
    ],
    [
      'one instance twice',
      ({ nodes }) => set(nodes[2] ?? {}, 'instanceId', nodes[0]?.instanceId),
      'nodes[2].instanceId: "i-0a1b2c3d4e5f60133" is not unique',
    ],
    [
      'one address twice',
      ({ nodes }) => set(nodes[2] ?? {}, 'address', '192.168.168.133'),
      'nodes[2].address: "192.168.168.133" is not unique (nodes[0].address has it already)',
    ],
    [
      'two servers on one directory',
      ({ nodes }) => {
        set(nodes[2] ?? {}, 'address', '192.168.168.133');
        set(nodes[2] ?? {}, 'port', 5433);
      },
      'nodes[2].address: "192.168.168.133" shares a host and its data directory (/var/lib/pgsql/12/data) with nodes[0]',
    ],
    [
      'one directory within another',
      ({ nodes }) => {
        set(nodes[2] ?? {}, 'address', '192.168.168.133');
        set(nodes[2] ?? {}, 'port', 5433);
        set(nodes[2] ?? {}, 'dataDirectory', '/var/lib/pgsql/12/data/second');
      },
      'nodes[2].dataDirectory: "/var/lib/pgsql/12/data/second" shares a host',
    ],
    [
      'more confirmations than standbys',
      ({ replication }) => set(replication ?? {}, 'count', 3),
      'replication.count: 3 must be at most 2, the number of standbys',
    ],
    [
      'too few walsenders',
      ({ postgres }) => set(postgres, 'maxWalSenders', 4),
      'postgres.maxWalSenders: 4 must be at least 5 for 3 nodes',
    ],
    [
      'slots on 12',
      ({ postgres }) => set(postgres, 'slotKeepSegments', 600),
      'postgres.slotKeepSegments: 600 has no effect on PostgreSQL 12',
    ],
    [
      'slots below WAL kept',
      ({ postgres }) => {
        set(postgres, 'majorVersion', 15);
        set(postgres, 'slotKeepSegments', 100);
      },
      'postgres.slotKeepSegments: 100 must be at least walKeepSegments (512)',
    ],
    [
      'data above programs',
      ({ postgres }) => set(postgres, 'dataDirectory', '/usr/pgsql-12'),
      'postgres.dataDirectory: "/usr/pgsql-12" and postgres.binDirectory (/usr/pgsql-12/bin) must not contain each other',
    ],
    [
      'data among programs',
      ({ nodes }) => set(nodes[1] ?? {}, 'dataDirectory', '/usr/pgsql-12/bin/data'),
      'nodes[1].dataDirectory: "/usr/pgsql-12/bin/data" and postgres.binDirectory',
    ],
    [
      'socket in the data directory',
      ({ postgres }) => set(postgres, 'socketDirectory', '/var/lib/pgsql/12/data'),
      'postgres.socketDirectory: "/var/lib/pgsql/12/data" must not be inside the data directory',
    ],
    [
      'a socket path too long',
      ({ postgres }) => set(postgres, 'socketDirectory', `/srv/${'s'.repeat(90)}`),
      `is too long: the socket’s path would have 109 bytes, and Linux allows 107`,
    ],
    [
      'a loopback address among others',
      ({ nodes }) => set(nodes[0] ?? {}, 'address', '127.0.0.1'),
      'nodes[0].address: "127.0.0.1" is the host itself to every host',
    ],
    [
      'a public address without TLS',
      (cluster) => {
        set(cluster.nodes[0] ?? {}, 'address', '8.8.8.8');
        set(cluster.replication ?? {}, 'tls', false);
      },
      'nodes[0].address: "8.8.8.8" is a public address; replication.tls must be true',
    ],
    [
      'one user for two purposes',
      ({ monitoring }) => set(monitoring ?? {}, 'user', 'replica'),
      'monitoring.user: "replica" must differ from replication.user',
    ],
    [
      'the superuser replicates',
      ({ replication }) => set(replication ?? {}, 'user', 'postgres'),
      'replication.user: "postgres" must differ from postgres.osUser',
    ],
    [
      'a zone of another region',
      ({ network }) => set(network.observerSubnets[0] ?? {}, 'availabilityZone', 'eu-west-1a'),
      'network.observerSubnets[0].availabilityZone: "eu-west-1a" is not in the region us-east-1',
    ],
    [
      'an address twice',
      ({ alerts }) => set(alerts ?? {}, 'emails', ['a@b.de', 'A@b.de']),
      'alerts.emails[1]: "A@b.de" is not unique; every alert would be sent twice (alerts.emails[0] has it already)',
    ],
  ])('%s', (_, change, expected) => {
    const problems = problemsAfter(change);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it('name a default that breaks them', () => {
    const problems = problemsAfter(({ postgres, replication }) => {
      postgres.osUser = 'replica';
      Reflect.deleteProperty(replication ?? {}, 'user');
    });
    expect(problems).toEqual([
      'clusters[0].replication.user: "replica", the default, must differ from postgres.osUser, the superuser',
    ]);
  });

  it('hold across clusters', () => {
    expect(problemsOf([exampleCluster(), exampleCluster((cluster) => cluster.nodes.pop())])).toEqual([
      'clusters[1].name: "pg-sync" is the name of clusters[0] already',
      'clusters[1].nodes[0].instanceId: "i-0a1b2c3d4e5f60133" belongs to clusters[0] already',
      'clusters[1].nodes[0].address: "192.168.168.133" belongs to clusters[0] already',
      'clusters[1].nodes[1].instanceId: "i-0a1b2c3d4e5f60134" belongs to clusters[0] already',
      'clusters[1].nodes[1].address: "192.168.168.134" belongs to clusters[0] already',
      expect.stringContaining('clusters[1].network.nodeSecurityGroupId: '),
    ]);
  });

  describe('about what two clusters of one account share', () => {
    /** The example beside a second cluster on hosts of its own; both changed. */
    const problemsOfTwo = (change: (cluster: ClusterInFile, index: number) => void) =>
      problemsOf(
        [0, 1].map((index) =>
          exampleCluster((cluster) => {
            cluster.name = `cluster-${index}`;
            cluster.nodes.forEach((node, n) => {
              node.instanceId = `i-000000000000000${index}${n}`;
              node.address = `192.168.168.${10 * index + n + 1}`;
            });
            change(cluster, index);
          }),
        ),
      );

    it('refuse to open a port of a security group twice, and say where both are and what to do', () => {
      expect(problemsOfTwo(() => {})).toEqual([
        'clusters[1].network.nodeSecurityGroupId: "sg-0123456789abcdef0" and port 5432 are those of clusters[0].network.nodeSecurityGroupId too, and a group takes a rule once: to delete one of the stacks would stop replication of both. Give each cluster a group of its own, or set network.securityGroupRules of both to "yours"',
      ]);
    });

    it.each([
      [
        'the one port of a node',
        (cluster: ClusterInFile, index: number) => {
          cluster.postgres.port = 6000 + index;
          const [node] = cluster.nodes;
          if (node !== undefined && index === 1) node.port = 6000;
        },
      ],
      [
        'rules of which one is the stack’s own',
        (cluster: ClusterInFile, index: number) => {
          if (index === 0) cluster.network.securityGroupRules = 'yours';
        },
      ],
    ] as const)('refuse %s', (_, change) => {
      expect(problemsOfTwo(change)).toEqual([expect.stringContaining('a group takes a rule once')]);
    });

    it.each([
      [
        'ports of their own',
        (cluster: ClusterInFile, index: number) => {
          cluster.postgres.port = 6000 + index;
        },
      ],
      [
        'groups of their own',
        (cluster: ClusterInFile, index: number) => {
          cluster.network.nodeSecurityGroupId = `sg-0000000${index}`;
        },
      ],
      [
        'rules that the operator keeps',
        (cluster: ClusterInFile) => {
          cluster.network.securityGroupRules = 'yours';
        },
      ],
    ] as const)('accept %s', (_, change) => {
      expect(problemsOfTwo(change)).toEqual([]);
    });

    it('refuse a Slack channel that another cluster of the account has', () => {
      const slack = (accounts: (string | undefined)[]) =>
        problemsOfTwo((cluster, index) => {
          const account = accounts[index];
          cluster.network.nodeSecurityGroupId = `sg-0000000${index}`;
          if (account !== undefined) cluster.network.account = account;
          cluster.alerts = { slack: { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD' } };
        });
      expect(slack(['111111111111', '222222222222'])).toEqual([]);
      expect(slack([undefined, undefined])).toEqual([
        'clusters[1].alerts.slack.channelId: "C0123ABCD" is the channel of clusters[0] already, and an account can configure a channel once; give each cluster a channel of its own',
      ]);
    });
  });

  it('let two VPCs use the same addresses', () => {
    const other = exampleCluster((cluster) => {
      cluster.name = 'other';
      cluster.network.vpcId = 'vpc-0fedcba9876543210';
      cluster.network.nodeSecurityGroupId = 'sg-0fedcba9876543210';
      cluster.nodes.forEach((node, index) => {
        node.instanceId = `i-0000000000000000${index}`;
      });
    });
    expect(problemsOf([exampleCluster(), other])).toEqual([]);
  });
});

it('reports problems of every kind at once, in the order of the file', () => {
  const problems = problemsAfter((cluster) => {
    set(cluster.nodes[1] ?? {}, 'address', '192.168.168.300');
    set(cluster.nodes[2] ?? {}, 'name', 'pg_sync_master');
    set(cluster.postgres, 'port', 1.5);
    set(cluster.replication ?? {}, 'count', 9);
    set(cluster, 'monitoring', []);
    set(cluster, 'extra', true);
  });
  expect(problems.map((line) => line.split(': ')[0])).toEqual([
    'clusters[0].postgres.port',
    'clusters[0].nodes[1].address',
    'clusters[0].nodes[2].name',
    'clusters[0].replication.count',
    'clusters[0].monitoring',
    'clusters[0].extra',
  ]);
});

describe('every corruption of one value', () => {
  type Place = { path: (string | number)[]; value: unknown };
  const placesIn = (value: unknown, path: (string | number)[] = []): Place[] => [
    { path, value },
    ...(Array.isArray(value)
      ? value.flatMap((element, index) => placesIn(element, [...path, index]))
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([key, member]) => placesIn(member, [...path, key]))
        : []),
  ];
  const rendered = (path: (string | number)[]) =>
    `clusters${path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')}`;
  const kindOf = (value: unknown) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

  it('is reported at its path', () => {
    const places = placesIn([exampleCluster()]).slice(1);
    const foreign = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
      fc.constantFrom('', ' ', '!"$;', '\u0000', '--', '*'),
      fc.constant([]),
      fc.constant([[]]),
      fc.constant({ unknown: 1 }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), foreign, ({ path, value }, corruption) => {
        // A list may be empty and listenAddresses may be *: these replacements are no corruption.
        fc.pre(typeof value === 'string' ? corruption !== value : kindOf(value) !== kindOf(corruption));
        const file: unknown = [exampleCluster()];
        const parent = path
          .slice(0, -1)
          .reduce<unknown>((at, part) => (at as Record<string | number, unknown>)[part], file);
        set(parent as object, path.at(-1) ?? 0, corruption);
        const where = rendered(path);
        expect(problemsOf(file).some((line) => line.startsWith(`${where}:`) || line.startsWith(`${where}.`))).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('loadClusters', () => {
  const directory = mkdtempSync(join(tmpdir(), 'load-clusters-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('reads a file', () => {
    const file = join(directory, 'right.json');
    writeFileSync(file, exampleText);
    expect(loadClusters(file)).toHaveLength(1);
  });

  it('says that there is no such file', () => {
    const file = join(directory, 'absent.json');
    expect(() => loadClusters(file)).toThrow(`cannot read ${file}: there is no such file\nGive the path`);
  });

  it('says that it is a directory', () => {
    expect(() => loadClusters(directory)).toThrow('it is a directory');
  });
});
