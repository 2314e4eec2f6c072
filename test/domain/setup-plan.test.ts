import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../lambdas/contract/errors.ts';
import type { PreflightFacts } from '../../lambdas/contract/node-commands.ts';
import type { PreflightReport } from '../../lambdas/contract/payloads.ts';
import { planSetup } from '../../lambdas/domain/setup-plan.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { emptyHost, memberHost } from '../support/preflight-facts.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];

type Host = PreflightFacts | { error: string; cause: string };

/** Reports of the three nodes in their order; a host is its facts, or the error with which preflight failed. */
function reports(...hosts: [Host, Host, Host]): PreflightReport[] {
  return hosts.map((host, index) => {
    const node = cluster.nodes[index]?.name ?? '';
    return 'error' in host ? { node, failure: { Error: host.error, Cause: host.cause } } : { node, facts: host };
  });
}

/** The refusal of a plan. */
function refusal(...hosts: [Host, Host, Host]): OperatorError {
  try {
    planSetup(cluster, reports(...hosts));
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('the plan was not refused');
}

describe('which node is the primary', () => {
  const cases: [string, [Host, Host, Host], string, string[]][] = [
    ['the first, when every node is empty', [emptyHost(), emptyHost(), emptyHost()], master, [slave01, slave02]],
    [
      'the only one that accepts writes',
      [memberHost('primary', true), emptyHost(), emptyHost()],
      master,
      [slave01, slave02],
    ],
    [
      'another than the first after a failover',
      [emptyHost(), memberHost('primary', true), memberHost('standby', true)],
      slave01,
      [master, slave02],
    ],
    [
      'the only stopped one without standby.signal',
      [emptyHost(), emptyHost(), memberHost('primary', false)],
      slave02,
      [master, slave01],
    ],
    [
      'the stopped one while its standbys run',
      [memberHost('primary', false), memberHost('standby', true), memberHost('standby', true)],
      master,
      [slave01, slave02],
    ],
  ];
  it.each(cases)('is %s', (_title, hosts, primary, standbys) => {
    expect(planSetup(cluster, reports(...hosts))).toMatchObject({ primary, standbys });
  });

  it('has its running standbys in the plan, which get larger limits before it does', () => {
    const hosts: [Host, Host, Host] = [
      memberHost('standby', false),
      memberHost('primary', true),
      memberHost('standby', true),
    ];
    expect(planSetup(cluster, reports(...hosts)).runningStandbys).toEqual([slave02]);
    expect(planSetup(cluster, reports(emptyHost(), emptyHost(), emptyHost())).runningStandbys).toEqual([]);
  });

  it('is followed by the rule for the others, in order of priority', () => {
    const plan = planSetup(cluster, reports(emptyHost(), memberHost('primary', true), emptyHost()));
    expect(plan.synchronousStandbyNames).toBe('FIRST 1 ("pg_sync_master","pg_sync_slave02")');
  });
});

describe('refusals', () => {
  const cases: [string, [Host, Host, Host], string, RegExp][] = [
    ['two nodes accept writes', [memberHost('primary', true), memberHost('primary', true), emptyHost()], 'TwoPrimaries', /pg_sync_master, pg_sync_slave01/],
    ['two stopped nodes would start as primaries', [memberHost('primary', false), memberHost('primary', false), emptyHost()], 'TwoPrimaries', /stopped/],
    ['only standbys are left', [emptyHost(), memberHost('standby', true), memberHost('standby', true)], 'NoPrimary', /setup promotes nothing/],
    [
      'a standby’s directory holds something else',
      [emptyHost(), emptyHost({ dataDirectory: { state: 'other', sample: ['notes.txt'] } }), emptyHost()],
      'DataDirectoryNotEmpty',
      /pg_sync_slave01: DataDirectoryNotEmpty: .*notes\.txt/,
    ],
    [
      'a standby’s directory holds another cluster',
      [memberHost('primary', true), memberHost('standby', false, { dataDirectory: { state: 'postgres', majorVersion: '12', systemIdentifier: '1', standbySignal: true } }), emptyHost()],
      'DataDirectoryNotEmpty',
      /system identifier 1;/,
    ],
    [
      'a former primary is stopped beside the running one',
      [memberHost('primary', false), memberHost('primary', true), emptyHost()],
      'DataDirectoryNotEmpty',
      /second primary/,
    ],
    ['PostgreSQL is not installed', [emptyHost(), emptyHost(), emptyHost({ missingPrograms: ['/usr/pgsql-12/bin/postgres'], postgresVersion: null })], 'PostgresNotInstalled', /pg_sync_slave02/],
    ['another major version is installed', [emptyHost({ postgresVersion: '13.4' }), emptyHost(), emptyHost()], 'WrongPostgresVersion', /13\.4; clusters\.json says 12/],
    ['the disk of a standby is too small', [memberHost('primary', true), emptyHost({ freeBytes: 41_000_000 }), emptyHost()], 'DiskTooSmall', /40 MiB are free/],
    ['the data directory is a mount point', [emptyHost(), emptyHost({ dataDirectory: { state: 'empty', isMountPoint: true } }), emptyHost()], 'DataDirectoryIsMountPoint', /one level higher/],
    ['the data directory is a link', [emptyHost(), emptyHost({ dataDirectory: { state: 'empty', linkTo: '/big/data' } }), emptyHost()], 'DataDirectoryIsLink', /a symbolic link to \/big\/data/],
    ['the data directory is a link to nothing', [emptyHost(), emptyHost({ dataDirectory: { state: 'other', linkTo: '/big/data' } }), emptyHost()], 'DataDirectoryIsLink', /a symbolic link to \/big\/data/],
    [
      'the secret names another user',
      [memberHost('primary', true), emptyHost({ secret: { user: 'iiii', failure: null, refusals: ['pg_sync_slave02: FATAL:  something else', 'pg_sync_master: FATAL:  no pg_hba.conf entry for replication connection from host "1.2.3.4", user "iiii"'] } }), emptyHost()],
      'ReplicationUserRefused',
      /no pg_hba\.conf entry for replication connection from host "1\.2\.3\.4", user "iiii"/,
    ],
    ['every standby would be synchronous', [memberHost('primary', true, { server: { synchronousStandbyNames: '*' } }), emptyHost(), emptyHost()], 'WildcardSynchronousStandbyNames', /stall every commit/],
    ['the first host cannot be reached', [{ error: 'HostUnreachable', cause: 'SSM cannot reach i-1' }, emptyHost(), emptyHost()], 'PrimaryUnreachable', /SSM cannot reach i-1/],
    ['SSM does not know an instance', [emptyHost(), { error: 'InstanceUnknownToSsm', cause: '{"errorType":"InstanceUnknownToSsm","errorMessage":"SSM does not know i-2","trace":[]}' }, emptyHost()], 'InstanceUnknownToSsm', /SSM does not know i-2/],
  ]; // biome-ignore format: a table
  it.each(cases)('when %s', (_title, hosts, name, message) => {
    const error = refusal(...hosts);
    expect(error.name).toBe(name);
    expect(error.message).toMatch(message);
  });

  it('name every problem of every node at once', () => {
    const error = refusal(
      emptyHost({ portTakenBy: 'another program' }),
      emptyHost({ dataDirectory: { state: 'other', sample: ['a'] }, postgresVersion: '15.1' }),
      { error: 'HostUnreachable', cause: 'no answer' },
    );
    expect(error.name).toBe('PreflightFailed');
    expect(error.message.match(/^\w+: \w+/gm)).toEqual([
      'pg_sync_master: PortInUse',
      'pg_sync_slave01: WrongPostgresVersion',
      'pg_sync_slave01: DataDirectoryNotEmpty',
      'pg_sync_slave02: HostUnreachable',
    ]);
  });

  it('name a wrong replication user once, in the words of the primary', () => {
    const wrong = (words: string) => ({
      secret: { user: 'iiii', failure: null, refusals: [`pg_sync_master: ${words}`] },
    });
    const error = refusal(
      memberHost('primary', true, wrong('x')),
      emptyHost(wrong('FATAL:  no')),
      emptyHost(wrong('FATAL:  no')),
    );
    expect(error.message.match(/ReplicationUserRefused/g)).toHaveLength(1);
  });

  it('do not take an unreachable node for an empty one', () => {
    const error = refusal(
      { error: 'HostUnreachable', cause: 'no answer' },
      memberHost('standby', true),
      memberHost('standby', true),
    );
    expect(error.message).toMatch(/NoPrimary[\s\S]*could not be asked/);
  });

  it('do not take a server that does not answer for a standby', () => {
    const failure = 'FATAL:  the database system is starting up';
    const error = refusal(
      memberHost('primary', true, { server: { inRecovery: null, failure } }),
      emptyHost(),
      emptyHost(),
    );
    expect(error.name).toBe('PostgresNotAnswering');
    expect(error.message).toMatch(/^pg_sync_master: [\s\S]*starting up[\s\S]*when its recovery is over/);
    expect(error.message).not.toContain('NoPrimary');
  });

  it('respect initializeIfEmpty', () => {
    const forbidden = exampleCluster({ postgres: { ...cluster.postgres, initializeIfEmpty: false } });
    expect(() => planSetup(forbidden, reports(emptyHost(), emptyHost(), emptyHost()))).toThrow(
      /InitializationNotAllowed/,
    );
  });
});
