/** Every finding: which facts cause it, what status they make, and which facts are no finding. */
import { describe, expect, it } from 'vitest';
import type { Allowance, AllowanceOnRecord } from '../../lambdas/contract/allowance.ts';
import type { Cluster } from '../../lambdas/contract/cluster-config.ts';
import { type CheckerMemory, findingKinds, type Status } from '../../lambdas/contract/health.ts';
import type { NodeFacts, ReplicationRow } from '../../lambdas/contract/observation.ts';
import { emptyMemory } from '../../lambdas/domain/checker-memory.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { managed, type NodeInWorld, observe, receiver, row, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const now = new Date('2020-01-06T07:20:00Z');
const startedAt = '2020-01-06T07:00:00.123456';
const known: CheckerMemory = { ...emptyMemory, setUp: true, primary: { node: master, startedAt } };

type Changes = Record<string, Partial<NodeInWorld>>;

const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const gone: Partial<NodeInWorld> = { seen: 'timeout', streams: false };
const cutOff: Partial<NodeInWorld> = { streams: false };
const standbysCutOff = { [slave01]: cutOff, [slave02]: cutOff };

const withFacts = (facts: Partial<NodeFacts>): Partial<NodeInWorld> => ({ facts });
const blocked = (oldestSeconds: number, ...transactions: string[]) =>
  withFacts({ blockedSessions: { count: transactions.length, oldestSeconds, transactions } });
const behind = (bytes: number, seconds: number | null): Partial<NodeInWorld> => ({
  row: { flushLagBytes: bytes, replayLagBytes: bytes, flushLagSeconds: seconds, replayLagSeconds: seconds },
});
const settings = (changes: Parameters<typeof managed>[1]) => withFacts({ settings: managed(cluster, changes) });

function judge(changes: Changes, memory = known, of: Cluster = cluster, allowance: AllowanceOnRecord = null) {
  return assess(of, observe(of, world(of, changes)), memory, now, allowance);
}

/** Findings as `Kind node` or `Kind node!`, the latter when one sighting is enough. */
function brief(changes: Changes, memory?: CheckerMemory, of?: Cluster, allowance?: AllowanceOnRecord): string[] {
  return judge(changes, memory, of, allowance).findings.map(
    ({ kind, node, certain }) => `${kind}${node === null ? '' : ` ${node}`}${certain ? '!' : ''}`,
  );
}

const asynchronous = withFacts({ synchronousStandbyNames: '' });
const allowance: Allowance = {
  primary: master,
  since: '2020-01-06T07:10:00.000Z',
  until: '2020-01-06T08:10:00.000Z',
  lsn: '0/4000000',
  reason: 'disks are being replaced',
  execution: 'arn:aws:states:us-east-1:123456789012:execution:pg-sync-allow-async:one',
  automatic: false,
};

const unread: CheckerMemory['unread'] = { parts: ['memory.suspension'], node: null, lsn: null };

const lag = 67_108_864;
const gigabyte = 1024 ** 3;
const slot = (name: string, changes: Partial<NodeFacts['slots'][number]> = {}) => ({
  name,
  active: true,
  retainedBytes: 0,
  walStatus: null,
  ...changes,
});

interface Case {
  readonly when: string;
  readonly changes: Changes;
  readonly status: Status;
  readonly findings: readonly string[];
  readonly memory?: CheckerMemory;
  readonly cluster?: Cluster;
  readonly allowance?: AllowanceOnRecord;
}

const cases: Case[] = [
  // Nothing wrong
  { when: 'everything streams', changes: {}, status: 'healthy', findings: [] },
  { when: 'the cluster is idle: no lag is known', changes: { [slave01]: behind(0, null) }, status: 'healthy', findings: [] },
  { when: 'a burst of WAL is many bytes for a moment', changes: { [slave01]: behind(10 * lag, 2) }, status: 'healthy', findings: [] },
  { when: 'time lag is old and nothing is missing', changes: { [slave01]: behind(100, 4000) }, status: 'healthy', findings: [] },
  { when: 'commits wait for the moment that they take', changes: { [master]: blocked(0.3, 'a', 'b') }, status: 'healthy', findings: [] },
  { when: 'a statement that took long commits', changes: { [master]: blocked(300, 'a') }, status: 'healthy', findings: [] },

  // The primary
  { when: 'the primary refuses connections, and nobody receives from it', changes: { [master]: refused, ...standbysCutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}!`] },
  { when: 'its host is gone, and nobody receives from it', changes: { [master]: gone, ...standbysCutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}!`] },
  { when: 'it refuses the observer, and standbys receive from it', changes: { [master]: { seen: 'refused' } }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`] },
  { when: 'it does not answer, and one standby receives from it', changes: { [master]: { seen: 'timeout' }, [slave02]: cutOff }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`] },
  { when: 'it refuses the password', changes: { [master]: { seen: 'authentication' }, ...standbysCutOff }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`] },
  { when: 'it has too many connections', changes: { [master]: { seen: 'too-many-connections' } }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`] },
  { when: 'it is starting up', changes: { [master]: { seen: 'starting-up' }, ...standbysCutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}`] },
  { when: 'it is shutting down', changes: { [master]: { seen: 'shutting-down' }, ...standbysCutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}`] },
  { when: 'a receiver that heard nothing for long is no witness', changes: { [master]: gone, [slave01]: withFacts({ settings: managed(cluster), walReceiver: receiver({ senderHost: '192.168.168.133', senderPort: 5432, messageAgeSeconds: 6 }) }), [slave02]: cutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}!`] },
  { when: 'it is down, and so is a standby', changes: { [master]: refused, [slave01]: refused, [slave02]: cutOff }, status: 'primary-down', findings: [`PrimaryDown ${master}!`, `StandbyDown ${slave01}!`] },
  { when: 'every host refuses', changes: { [master]: refused, [slave01]: refused, [slave02]: refused }, status: 'primary-down', findings: [`PrimaryDown ${master}!`, `StandbyDown ${slave01}!`, `StandbyDown ${slave02}!`] },
  { when: 'no host answers', changes: { [master]: gone, [slave01]: gone, [slave02]: gone }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`, `StandbyUnreachable ${slave01}`, `StandbyUnreachable ${slave02}`] },
  { when: 'the password is wrong everywhere', changes: { [master]: { seen: 'authentication' }, [slave01]: { seen: 'authentication' }, [slave02]: { seen: 'authentication' } }, status: 'unknown', findings: [`PrimaryUnobservable ${master}`, `NodeUnobservable ${slave01}`, `NodeUnobservable ${slave02}`] },
  { when: 'every node is a standby', changes: { [master]: { role: 'standby', streams: false }, ...standbysCutOff }, status: 'primary-down', findings: ['NoPrimary'] },
  { when: 'the former primary is a standby, and another node is silent', changes: { [master]: { role: 'standby', streams: false }, [slave01]: gone, [slave02]: cutOff }, status: 'primary-down', findings: [`PrimaryDown ${slave01}!`] },
  { when: 'two nodes accept writes', changes: { [slave01]: { role: 'primary', streams: false } }, status: 'split-brain', findings: ['TwoPrimaries!'] },
  { when: 'the primary is another node after a failover, and the former one is down', changes: { [master]: { role: 'standby', ...refused }, [slave01]: { role: 'primary', streams: false } }, status: 'degraded', findings: [`StandbyDown ${master}!`, 'SynchronousStandbyChanged!'] },

  // Synchronous replication
  { when: 'no standby is left', changes: { [slave01]: refused, [slave02]: gone, [master]: blocked(0, 'a') }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `StandbyDown ${slave01}!`, `StandbyUnreachable ${slave02}!`] },
  { when: 'no standby is left, and nothing is written', changes: { [slave01]: refused, [slave02]: refused }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `StandbyDown ${slave01}!`, `StandbyDown ${slave02}!`] },
  { when: 'standbys run and reconnect', changes: standbysCutOff, status: 'writes-blocked', findings: [`WritesBlocked ${master}`, `StandbyNotStreaming ${slave01}`, `StandbyNotStreaming ${slave02}`] },
  { when: 'standbys run, and a commit has waited for long', changes: { ...standbysCutOff, [master]: blocked(20, 'a') }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `StandbyNotStreaming ${slave01}`, `StandbyNotStreaming ${slave02}`] },
  { when: 'one of two required standbys is left', cluster: { ...cluster, replication: { ...cluster.replication, count: 2 } }, changes: { [slave02]: refused }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `StandbyDown ${slave02}!`] },
  { when: 'a standby that catches up does not count', changes: { [slave01]: { row: { state: 'catchup' } }, [slave02]: refused }, status: 'writes-blocked', findings: [`WritesBlocked ${master}`, `StandbyDown ${slave02}!`, `StandbyNotStreaming ${slave01}`] },
  { when: 'the synchronous standby hangs, and commits wait', changes: { [slave01]: { seen: 'timeout' }, [master]: blocked(4, 'a') }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `NodeUnobservable ${slave01}`] },
  { when: 'the synchronous standby does not reply, and commits wait', changes: { [slave01]: { row: { replyAgeSeconds: 6 } }, [master]: blocked(6, 'a') }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`] },
  { when: 'one commit has waited since an earlier check', changes: { [master]: blocked(12, 'a', 'b') }, memory: { ...known, waiting: { node: master, since: '2020-01-06T07:19:50Z', transactions: ['b'] } }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`] },
  { when: 'one commit waits in two checks of the same moment', changes: { [master]: blocked(12, 'b') }, memory: { ...known, waiting: { node: master, since: '2020-01-06T07:19:59.9Z', transactions: ['b'] } }, status: 'healthy', findings: [] },
  { when: 'other commits wait than in an earlier check', changes: { [master]: blocked(12, 'c') }, memory: { ...known, waiting: { node: master, since: '2020-01-06T07:19:50Z', transactions: ['b'] } }, status: 'healthy', findings: [] },
  { when: 'remote_apply waits for a standby whose replay is paused', cluster: { ...cluster, replication: { ...cluster.replication, commitLevel: 'remote_apply' } }, changes: { [slave01]: withFacts({ replayPaused: true }), [master]: withFacts({ synchronousCommit: 'remote_apply', blockedSessions: { count: 1, oldestSeconds: 3, transactions: ['a'] } }) }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `ReplayPaused ${slave01}`] },
  { when: 'a rule names nobody who is there', changes: { [master]: withFacts({ synchronousStandbyNames: 'nobody', replication: [row(slave01, '192.168.168.134', 'async', { syncPriority: 0 }), row(slave02, '192.168.168.135', 'async', { syncPriority: 0 })] }) }, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `ConfigurationDrift ${master}`] },
  { when: 'there is no rule', changes: { [master]: withFacts({ synchronousStandbyNames: '' }) }, status: 'degraded', findings: [`CommitsNotReplicated ${master}!`] },
  { when: 'there is no rule, for somebody allowed that', changes: { [master]: asynchronous, [slave01]: refused, [slave02]: refused }, allowance, status: 'degraded', findings: [`SynchronousReplicationSuspended ${master}!`, `StandbyDown ${slave01}!`, `StandbyDown ${slave02}!`] },
  { when: 'there is no rule, for somebody allowed that until now', changes: { [master]: asynchronous }, allowance: { ...allowance, until: '2020-01-06T07:20:00.000Z' }, status: 'degraded', findings: [`SynchronousReplicationSuspended ${master}!`] },
  { when: 'there is no rule, and somebody allowed that on another primary', changes: { [master]: asynchronous }, allowance: { ...allowance, primary: slave01 }, status: 'degraded', findings: [`CommitsNotReplicated ${master}!`] },
  { when: 'an allowance is on record, and the rule is in force', changes: {}, allowance, status: 'healthy', findings: [] },
  { when: 'the primary restarts during an allowance', changes: { [master]: { facts: { ...asynchronous.facts, startedAt: '2020-01-06T07:19:55' } } }, memory: { ...known, suspension: { node: master, lsn: '0/4000000', since: allowance.since } }, allowance, status: 'degraded', findings: [`SynchronousReplicationSuspended ${master}!`] },
  { when: 'an allowance has ended, and no standby has what was committed', changes: { [master]: withFacts({ lsn: '0/6000000' }), [slave02]: refused }, memory: { ...known, suspension: { node: master, lsn: '0/4000000', since: allowance.since } }, status: 'degraded', findings: [`DurabilityRisk ${master}!`, `StandbyDown ${slave02}!`] },
  { when: 'an allowance has ended, and a standby has everything', changes: {}, memory: { ...known, suspension: { node: master, lsn: '0/4000000', since: allowance.since } }, status: 'healthy', findings: [] },
  { when: 'commits wait for nobody', changes: { [master]: withFacts({ synchronousCommit: 'local', settings: managed(cluster, { synchronous_commit: { setting: 'local' } }) }) }, status: 'degraded', findings: [`CommitsNotReplicated ${master}!`] },
  { when: 'the primary restarted while commits waited, and no standby has them', changes: { [master]: { facts: { startedAt: '2020-01-06T07:19:55', lsn: '0/6000000' } }, [slave02]: refused }, memory: { ...known, waiting: { node: master, since: '2020-01-06T07:19:00Z', transactions: ['a'] } }, status: 'degraded', findings: [`DurabilityRisk ${master}!`, `StandbyDown ${slave02}!`] },
  { when: 'it restarted, and a standby has everything', changes: { [master]: withFacts({ startedAt: '2020-01-06T07:19:55', lsn: '0/5000000' }) }, memory: { ...known, waiting: { node: master, since: '2020-01-06T07:19:00Z', transactions: ['a'] } }, status: 'healthy', findings: [] },
  { when: 'it restarted, and nothing waited', changes: { [master]: withFacts({ startedAt: '2020-01-06T07:19:55', lsn: '0/6000000' }) }, status: 'healthy', findings: [] },

  // Standbys
  { when: 'the synchronous standby is down', changes: { [slave01]: refused }, status: 'degraded', findings: [`StandbyDown ${slave01}!`, 'SynchronousStandbyChanged!'] },
  { when: 'the other one is down', changes: { [slave02]: refused }, status: 'degraded', findings: [`StandbyDown ${slave02}!`] },
  { when: 'the host of one is gone', changes: { [slave02]: gone }, status: 'degraded', findings: [`StandbyUnreachable ${slave02}!`] },
  { when: 'one was reset', changes: { [slave02]: { seen: 'reset', streams: false } }, status: 'degraded', findings: [`StandbyUnreachable ${slave02}!`] },
  { when: 'the name of one does not resolve', changes: { [slave02]: { seen: 'unresolved', streams: false } }, status: 'degraded', findings: [`StandbyUnreachable ${slave02}!`] },
  { when: 'one starts', changes: { [slave02]: { seen: 'starting-up', streams: false } }, status: 'degraded', findings: [`StandbyNotStreaming ${slave02}`] },
  { when: 'one has lost its connection', changes: { [slave01]: cutOff }, status: 'degraded', findings: [`StandbyNotStreaming ${slave01}`, 'SynchronousStandbyChanged'] },
  { when: 'one catches up', changes: { [slave02]: { row: { state: 'catchup' } } }, status: 'degraded', findings: [`StandbyNotStreaming ${slave02}`] },
  { when: 'one streams, and the observer does not reach it', changes: { [slave02]: { seen: 'timeout' } }, status: 'degraded', findings: [`NodeUnobservable ${slave02}`] },
  { when: 'one streams, and its password is another', changes: { [slave02]: { seen: 'authentication' } }, status: 'degraded', findings: [`NodeUnobservable ${slave02}`] },
  { when: 'one lags in bytes and time', changes: { [slave02]: behind(lag + 1, 31) }, status: 'degraded', findings: [`StandbyLagging ${slave02}`] },
  { when: 'one that lagged is only a little better', changes: { [slave02]: behind(0.6 * lag, 20) }, memory: { ...known, lagging: [slave02] }, status: 'degraded', findings: [`StandbyLagging ${slave02}`] },
  { when: 'one that did not lag is as good as that', changes: { [slave02]: behind(0.6 * lag, 20) }, status: 'healthy', findings: [] },
  { when: 'one that lagged is much better', changes: { [slave02]: behind(0.4 * lag, 20) }, memory: { ...known, lagging: [slave02] }, status: 'healthy', findings: [] },
  { when: 'the replay of one is paused', changes: { [slave02]: withFacts({ replayPaused: true }) }, status: 'degraded', findings: [`ReplayPaused ${slave02}`] },
  { when: 'one is on another timeline', changes: { [slave02]: { ...cutOff, facts: { timeline: 2 } } }, status: 'degraded', findings: [`StandbyOnAnotherTimeline ${slave02}`] },
  { when: 'one holds another cluster', changes: { [slave02]: { ...cutOff, facts: { systemIdentifier: '1' } } }, status: 'degraded', findings: [`ForeignData ${slave02}!`] },
  { when: 'the slot of one that is down is lost', changes: { [slave02]: refused, [master]: withFacts({ slots: [slot(slave01), slot(slave02, { active: false, walStatus: 'lost' })] }) }, status: 'degraded', findings: [`StandbyDown ${slave02}!`, `StandbyNeedsRebuild ${slave02}!`] },
  { when: 'the WAL that one needs next is gone', changes: { [slave02]: { ...cutOff, facts: { ...cutOff.facts, lsn: '0/2F00000' } }, [master]: withFacts({ oldestWalLsn: '0/3000000' }) }, status: 'degraded', findings: [`StandbyNotStreaming ${slave02}`, `StandbyNeedsRebuild ${slave02}!`] },
  { when: 'the WAL that one needs next is the oldest there is', changes: { [slave02]: { ...cutOff, facts: { ...cutOff.facts, lsn: '0/3000000' } }, [master]: withFacts({ oldestWalLsn: '0/3000000' }) }, status: 'degraded', findings: [`StandbyNotStreaming ${slave02}`] },
  { when: 'one far behind is still sent what it needs', changes: { [slave02]: { facts: { lsn: '0/2F00000' }, row: { state: 'catchup' } }, [master]: withFacts({ oldestWalLsn: '0/3000000' }) }, status: 'degraded', findings: [`StandbyNotStreaming ${slave02}`] },
  { when: 'two receivers have one name', changes: { [master]: withFacts({ replication: [row(slave01, '192.168.168.134', 'sync'), row(slave01.toUpperCase(), '192.168.168.9', 'sync'), row(slave02, '192.168.168.135', 'potential', { syncPriority: 2 })] }) }, status: 'degraded', findings: [`DuplicateApplicationName ${slave01}`] },
  { when: 'a base backup runs', changes: { [master]: withFacts({ replication: [row(slave01, '192.168.168.134', 'sync'), row(slave01, '192.168.168.134', 'async', { state: 'backup', syncPriority: 0 }), row(slave02, '192.168.168.135', 'potential', { syncPriority: 2 })] }) }, status: 'healthy', findings: [] },

  // Slots
  { when: 'a slot is missing', changes: { [master]: withFacts({ slots: [slot(slave01)] }) }, status: 'degraded', findings: [`SlotMissing ${slave02}`] },
  { when: 'a slot keeps more than half of its bound of 16 GB', changes: { [master]: withFacts({ slots: [slot(slave01), slot(slave02, { retainedBytes: 8.1 * gigabyte })] }) }, status: 'degraded', findings: ['SlotRetainsTooMuch'] },
  { when: 'a slot keeps less', changes: { [master]: withFacts({ slots: [slot(slave01), slot(slave02, { retainedBytes: 7.9 * gigabyte })] }) }, status: 'healthy', findings: [] },
  { when: 'the WAL of a slot may be removed at any moment', changes: { [master]: withFacts({ slots: [slot(slave01), slot(slave02, { walStatus: 'unreserved' })] }) }, status: 'degraded', findings: ['SlotRetainsTooMuch!'] },
  { when: 'somebody else’s slot fills the disk', changes: { [master]: withFacts({ slots: [slot(slave01), slot(slave02), slot('debezium', { active: false, retainedBytes: 50 * gigabyte })] }) }, status: 'degraded', findings: ['SlotRetainsTooMuch'] },

  // Configuration
  { when: 'a setting of the primary drifts', changes: { [master]: settings({ wal_sender_timeout: { setting: '60000' } }) }, status: 'degraded', findings: [`ConfigurationDrift ${master}`] },
  { when: 'a setting of a standby drifts', changes: { [slave02]: settings({ hot_standby: { setting: 'off' }, wal_log_hints: { setting: 'off' } }) }, status: 'degraded', findings: [`ConfigurationDrift ${slave02}`, `ConfigurationDrift ${slave02}`] },
  { when: 'a change waits for a restart', changes: { [slave02]: settings({ wal_log_hints: { pendingRestart: true } }) }, status: 'degraded', findings: [`ConfigurationDrift ${slave02}`] },
  { when: 'a setting is larger than it must be', changes: { [master]: settings({ max_wal_senders: { setting: '50' }, wal_level: { setting: 'logical' } }) }, status: 'healthy', findings: [] },
  { when: 'the rule names the standbys in another order', changes: { [master]: withFacts({ synchronousStandbyNames: 'pg_sync_slave02, pg_sync_slave01' }) }, status: 'degraded', findings: ['SynchronousStandbyChanged', `ConfigurationDrift ${master}`] },
  { when: 'the rule says the same in other words', changes: { [master]: withFacts({ synchronousStandbyNames: '1 (PG_SYNC_SLAVE01, "pg_sync_slave02")' }) }, status: 'healthy', findings: [] },

  // What could not be read
  { when: 'it is not known whether somebody works on the cluster', changes: {}, memory: { ...known, held: ['maintenance'] }, status: 'degraded', findings: ['AutomationHeld!'] },
  { when: 'the memory cannot be read, and standbys have everything', changes: {}, memory: { ...known, unread }, status: 'healthy', findings: [] },
  { when: 'the memory cannot be read, and the standbys lag', changes: { [slave01]: { row: { flushLsn: '0/4FFFFFF' } }, [slave02]: { row: { flushLsn: '0/4FFFFFF' } } }, memory: { ...known, unread }, status: 'degraded', findings: [`DurabilityRisk ${master}!`] },
  { when: 'an allowance cannot be read', changes: { [master]: asynchronous }, allowance: 'unreadable', status: 'degraded', findings: [`SynchronousReplicationSuspended ${master}!`] },

  // Setting up
  { when: 'nothing has ever answered', changes: { [master]: refused, [slave01]: gone, [slave02]: refused }, memory: emptyMemory, status: 'unknown', findings: ['ClusterNotSetUp'] },
  { when: 'there is only a primary without a rule', changes: { [master]: withFacts({ synchronousStandbyNames: '' }), [slave01]: refused, [slave02]: refused }, memory: emptyMemory, status: 'unknown', findings: ['ClusterNotSetUp'] },
  { when: 'the first thing seen is a primary that lacks its standbys', changes: { [slave01]: refused, [slave02]: refused }, memory: emptyMemory, status: 'writes-blocked', findings: [`WritesBlocked ${master}!`, `StandbyDown ${slave01}!`, `StandbyDown ${slave02}!`] },
  { when: 'the first thing seen are standbys whose primary is gone', changes: { [master]: refused, ...standbysCutOff }, memory: emptyMemory, status: 'primary-down', findings: [`PrimaryDown ${master}!`] },
]; // biome-ignore format: a table

it.each(cases)('$when: $status', ({ changes, status, findings, memory, cluster: of, allowance }) => {
  expect({
    status: judge(changes, memory, of, allowance).status,
    findings: brief(changes, memory, of, allowance),
  }).toEqual({
    status,
    findings,
  });
});

it('has an example of every finding', () => {
  const seen = new Set(cases.flatMap(({ findings }) => findings.map((each) => each.split(/[ !]/)[0])));
  expect(findingKinds.filter((kind) => !seen.has(kind))).toEqual([]);
});

describe('words', () => {
  const message = (changes: Changes, memory?: CheckerMemory) =>
    judge(changes, memory).findings.map((each) => each.message);

  it('say of drift what is expected, what is found, and where it comes from', () => {
    const changes = {
      [master]: settings({ wal_sender_timeout: { setting: '60000', sourceFile: '/etc/pg/a.conf', sourceLine: 12 } }),
    };
    expect(message(changes)).toEqual([
      `wal_sender_timeout on ${master} is 60000ms (/etc/pg/a.conf, line 12); expected is 8s.`,
    ]);
  });

  it('say of a slot whether a standby of the cluster has it: that of a removed one is to be dropped', () => {
    const keeping = (name: string) => ({
      [master]: withFacts({ slots: [slot(slave01), slot(slave02), slot(name, { retainedBytes: 9 * gigabyte })] }),
    });
    expect(message(keeping('pg_sync_slave03'))[0]).toMatch(
      /No node of clusters\.json has this slot\. PostgreSQL 12 keeps it without bound/,
    );
    const own = withFacts({ slots: [slot(slave01), slot(slave02, { retainedBytes: 9 * gigabyte })] });
    expect(message({ [master]: own })[0]).not.toMatch(/No node/);
  });

  it('say who replaced whom', () => {
    expect(message({ [slave01]: refused })[1]).toBe(
      'pg_sync_slave02 is the synchronous standby now, in place of pg_sync_slave01.',
    );
  });

  it('say how many sessions wait, and how long the oldest has waited', () => {
    expect(message({ [slave01]: refused, [slave02]: refused, [master]: blocked(83, 'a', 'b', 'c') })[0]).toBe(
      'A commit needs 1 standby, and none streams. 3 sessions wait, the oldest for 1 min 23 s.',
    );
  });

  it('say where a standby is connected that does not stream from the primary', () => {
    const elsewhere = withFacts({ walReceiver: receiver({ senderHost: '10.0.0.9' }) });
    expect(message({ [slave02]: { ...cutOff, ...elsewhere } })[0]).toMatch(
      /connected to 10\.0\.0\.9, which is not the primary/,
    );
  });

  it('say of a suspension since when, until when, why, and what is unprotected', () => {
    const gone = { [master]: withFacts({ synchronousStandbyNames: '' }), [slave01]: refused, [slave02]: refused };
    const [first] = judge(gone, known, cluster, allowance).findings;
    expect(first).toMatchObject({ severity: 'warning', title: 'writes go on without a standby until 08:10 UTC' });
    expect(first?.message).toBe(
      'Commits on pg_sync_master return without a standby since 2020-01-06 07:10 UTC, until 2020-01-06 08:10 UTC; by allow-async: disks are being replaced. Durability debt: 16 MB of WAL after 0/4000000. It is lost if pg_sync_master is lost: no standby has caught up.',
    );
    const byPolicy = judge(gone, known, cluster, { ...allowance, automatic: true }).findings[0];
    expect(byPolicy).toMatchObject({ severity: 'critical', message: expect.stringContaining('by policy') });
    const overdue = judge(gone, known, cluster, { ...allowance, until: '2020-01-06T07:15:00.000Z' }).findings[0];
    expect(overdue).toMatchObject({ severity: 'critical', message: expect.stringContaining('which has passed') });
  });

  it('keep the words of PostgreSQL on one line', () => {
    const observation = observe(cluster, world(cluster, { [slave02]: refused }));
    const nodes = observation.nodes.map((node) =>
      node.answered
        ? node
        : { ...node, failure: { ...node.failure, message: `a\r\nSubject: b\u001b[31m\u2028${'x'.repeat(2000)}` } },
    );
    const { findings, evidence } = assess(cluster, { nodes }, known, now);
    for (const text of [...findings.map((each) => each.message), ...evidence.nodes.map(({ state }) => state)]) {
      expect(text).toMatch(/^\P{Cc}*$/u);
      expect(text.length).toBeLessThanOrEqual(500);
    }
  });
});

describe('memory', () => {
  it('stays the same while a cluster is healthy, whatever its positions are', () => {
    const { memory } = judge({}, emptyMemory);
    const later: Partial<ReplicationRow> = { flushLsn: '0/9000000', replayLsn: '0/9000000' };
    expect(judge({ [master]: withFacts({ lsn: '0/9000000' }), [slave01]: { row: later } }, memory).memory).toEqual(
      memory,
    );
  });

  it('keeps of a suspension what returned without a standby, until enough standbys have it', () => {
    const suspended = judge({ [master]: asynchronous, ...standbysCutOff }, known, cluster, allowance).memory;
    expect(suspended.suspension).toEqual({ node: master, lsn: '0/4000000', since: allowance.since });
    expect(judge({ [master]: refused, ...standbysCutOff }, suspended).memory.suspension).toEqual(suspended.suspension);
    const ended = judge({ [master]: withFacts({ lsn: '0/7000000' }), ...standbysCutOff }, suspended).memory;
    expect(ended).toMatchObject({ suspension: null, durabilityRisk: { lsn: '0/7000000', cause: 'suspension' } });
    const behind = { [slave01]: { row: { flushLsn: '0/6FFFFFF' } }, [slave02]: { row: { flushLsn: '0/6000000' } } };
    expect(judge({ ...behind, [master]: withFacts({ lsn: '0/7000000' }) }, ended).memory.durabilityRisk).not.toBeNull();
    const row = { flushLsn: '0/7000000' };
    expect(judge({ [slave01]: { row } }, ended).memory.durabilityRisk).toBeNull();
  });

  it('keeps the durability risk until a standby has passed the position', () => {
    const waiting = { node: master, since: now.toISOString(), transactions: ['a'] };
    const restarted = { startedAt: '2020-01-06T07:19:55', lsn: '0/6000000' };
    const first = judge({ [master]: withFacts(restarted), ...standbysCutOff }, { ...known, waiting }).memory;
    expect(first.durabilityRisk).toMatchObject({ lsn: '0/6000000' });
    const writesOn = judge(
      { [master]: withFacts({ ...restarted, lsn: '0/7000000' }), ...standbysCutOff },
      first,
    ).memory;
    expect(writesOn.durabilityRisk).toEqual(first.durabilityRisk);
    const down = judge({ [master]: refused, ...standbysCutOff }, writesOn).memory;
    expect(down.durabilityRisk).toEqual(first.durabilityRisk);
    const row = { flushLsn: '0/6000000' };
    expect(judge({ [master]: withFacts(restarted), [slave01]: { row } }, down).memory.durabilityRisk).toBeNull();
  });
});

it('remembers which rule was in force and who fulfilled it, and writes nothing while that stays', () => {
  const { memory } = judge({});
  expect(memory.synchronous).toEqual({
    node: master,
    standbyNames: 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")',
    commitLevel: 'on',
    standbys: [slave01],
    since: now.toISOString(),
  });
  expect(judge({}, memory).memory.synchronous).toBe(memory.synchronous);
  expect(judge({ [master]: refused }, memory).memory.synchronous).toBe(memory.synchronous);
  const async = judge({ [master]: withFacts({ synchronousStandbyNames: '' }) }, memory).memory.synchronous;
  expect(async).toMatchObject({ standbyNames: '', standbys: [] });
});
