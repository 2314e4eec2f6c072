/** How a node rejoins, by what was seen of it: every method and every refusal. */
import { describe, expect, it } from 'vitest';
import type { NodeInspection } from '../../lambdas/contract/node-inspection.ts';
import type { RejoinPrimary } from '../../lambdas/contract/rejoin.ts';
import { planRejoin } from '../../lambdas/domain/rejoin-plan.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const cluster = exampleCluster();
const node = 'pg_sync_slave01';
const found: RejoinPrimary = { primary: 'pg_sync_master', followers: 1, acceptsWrites: false };

/** A stopped standby that is in order. */
const stopped: NodeInspection = {
  primary: {
    systemIdentifier: '7',
    timeline: 2,
    lsn: '0/5000000',
    oldestSegment: '0000000000000003',
    segmentBytes: 16 * 1024 * 1024,
    dataBytes: 1_000_000,
    slot: { active: false, lost: false },
  },
  dataDirectory: {
    state: 'postgres',
    sample: [],
    isMountPoint: false,
    linkTo: null,
    majorVersion: `${cluster.postgres.majorVersion}`,
    systemIdentifier: '7',
    standbySignal: true,
    hasOldestSegment: false,
  },
  control: {
    systemIdentifier: '7',
    state: 'shut down in recovery',
    timeline: 2,
    checkpoint: '0/4000028',
    recoveryEnd: '0/4000100',
    hintsLogged: true,
  },
  controlFailure: null,
  server: null,
  follows: true,
  diverged: null,
  damaged: null,
  occupiedTablespaces: [],
  fenced: false,
  enabled: true,
  formerData: false,
  portTakenBy: null,
  freeBytes: 10_000_000_000,
  busyWith: null,
};
const server = { inRecovery: true, timeline: 2, lsn: '0/5000000', receiver: 'streaming', followers: 0, failure: null };
const running: NodeInspection = {
  ...stopped,
  server,
  primary: { ...stopped.primary, slot: { active: true, lost: false } },
};
const { control, dataDirectory } = stopped;
if (control === null) throw new Error('no control file');

const plan = (inspection: NodeInspection, overrides: Partial<RejoinPrimary> = {}, allowRebuild = false) =>
  planRejoin(cluster, { node, allowRebuild, found: { ...found, ...overrides }, inspection });

const diverged = 'pg_sync_slave01 has WAL up to 0/6 on timeline 1, and pg_sync_master left that timeline at 0/5';
const elsewhere = { ...control, timeline: 1, state: 'in production' };

describe('the method', () => {
  it.each<[string, NodeInspection, string]>([
    ['streams', running, 'none'],
    ['is a stopped standby', stopped, 'start'],
    ['would follow another node', { ...stopped, follows: false }, 'follow'],
    ['has no standby.signal', { ...stopped, dataDirectory: { ...dataDirectory, standbySignal: false } }, 'follow'],
    ['runs without a receiver', { ...running, server: { ...server, receiver: null } }, 'follow'],
    ['runs and lost its slot', { ...running, primary: { ...running.primary, slot: null } }, 'follow'],
    [
      'runs and accepts no connections',
      { ...running, server: { ...server, inRecovery: null, failure: 'starting' } },
      'follow',
    ],
    ['has diverged', { ...stopped, control: elsewhere, diverged }, 'rewind'],
    [
      'has diverged and logs no hints',
      { ...stopped, control: { ...elsewhere, hintsLogged: false }, diverged },
      'rebuild',
    ],
    ['has diverged on the primary’s own timeline', { ...stopped, diverged }, 'rebuild'],
    ['has no data', { ...stopped, control: null, dataDirectory: { ...dataDirectory, state: 'absent' } }, 'rebuild'],
    ['has a damaged control file', { ...stopped, control: null, controlFailure: 'checksum' }, 'rebuild'],
    ['was left damaged by a rewind', { ...stopped, damaged: 'pg_rewind did not end' }, 'rebuild'],
    [
      'needs WAL that is gone',
      { ...stopped, control: { ...control, checkpoint: '0/2000028', recoveryEnd: '0/2FFFFFF' } },
      'rebuild',
    ],
  ])('of a node that %s', (_, inspection, method) => {
    expect(plan(inspection)).toMatchObject({ method, fence: false });
  });

  it('is start while the node’s own WAL reaches what the primary still has', () => {
    const behind = { ...control, checkpoint: '0/2000028', recoveryEnd: '0/2FFFFFF' };
    const reaches = { ...dataDirectory, hasOldestSegment: true };
    expect(plan({ ...stopped, control: behind, dataDirectory: reaches }).method).toBe('start');
  });

  it('is start for a node that streams and would not after the next boot', () => {
    for (const [seen, reason] of [
      [{ ...running, fenced: true }, 'marked as fenced'],
      [{ ...running, enabled: false }, 'does not start there when the host boots'],
    ] as const) {
      expect(plan(seen)).toMatchObject({
        method: 'start',
        reasons: expect.arrayContaining([expect.stringContaining(reason)]),
      });
    }
  });

  it('is rewind, after fencing, of a former primary that accepts writes', () => {
    const former = {
      ...stopped,
      control: elsewhere,
      server: { ...server, inRecovery: false, timeline: 1, receiver: null },
    };
    expect(plan(former)).toMatchObject({ method: 'rewind', fence: true, keepWal: true });
    expect(plan({ ...former, server: null, diverged }, { acceptsWrites: true })).toMatchObject({ fence: true });
  });
});

describe('what else the plan says', () => {
  it('repairs a slot that is missing or lost', () => {
    const withSlot = (slot: NodeInspection['primary']['slot']) =>
      plan({ ...stopped, primary: { ...stopped.primary, slot } });
    expect(withSlot({ active: false, lost: false }).repairSlot).toBe(false);
    expect(withSlot(null).repairSlot).toBe(true);
    expect(withSlot({ active: false, lost: true }).repairSlot).toBe(true);
  });

  it('keeps WAL that only the node has, and old data that nobody can judge', () => {
    expect(plan(stopped)).toMatchObject({ keepWal: false, keepFormerData: false });
    expect(plan({ ...stopped, control: elsewhere, diverged }).keepWal).toBe(true);
    const unreadable = { ...stopped, control: null, controlFailure: 'checksum' };
    expect(plan(unreadable)).toMatchObject({ keepWal: false, keepFormerData: false });
    const perhapsPrimary = { ...unreadable, dataDirectory: { ...dataDirectory, standbySignal: false } };
    expect(plan(perhapsPrimary).keepFormerData).toBe(true);
  });

  it('discards what an earlier rebuild has left, whatever the method', () => {
    expect(plan(running).discardFormerData).toBe(false);
    for (const [seen, method] of [
      [running, 'none'],
      [stopped, 'start'],
    ] as const)
      expect(plan({ ...seen, formerData: true })).toMatchObject({ method, discardFormerData: true });
  });

  it('asks before a rebuild where the policy says so, unless the input allows it', () => {
    const asking = { ...cluster, policy: { ...cluster.policy, rebuild: 'ask' as const } };
    const input = { node, found, inspection: stopped };
    expect(plan(stopped).rebuild).toEqual({ verdict: 'allowed' });
    expect(planRejoin(asking, { ...input, allowRebuild: false }).rebuild).toEqual({ verdict: 'ask' });
    expect(planRejoin(asking, { ...input, allowRebuild: true }).rebuild).toEqual({ verdict: 'allowed' });
  });

  it('says what stands against a rebuild', () => {
    expect(plan({ ...stopped, freeBytes: 1000 }).rebuild).toMatchObject({
      verdict: 'impossible',
      error: 'DiskTooSmall',
    });
    expect(plan({ ...stopped, dataDirectory: { ...dataDirectory, isMountPoint: true } }).rebuild).toMatchObject({
      verdict: 'impossible',
      error: 'DataDirectoryIsMountPoint',
    });
    expect(plan({ ...stopped, dataDirectory: { ...dataDirectory, linkTo: '/big/data' } }).rebuild).toMatchObject({
      verdict: 'impossible',
      error: 'DataDirectoryIsLink',
      cause: expect.stringMatching(/symbolic link to \/big\/data[\s\S]*Set dataDirectory of pg_sync_slave01/),
    });
    expect(plan({ ...stopped, occupiedTablespaces: ['/fast/a', '/fast/b'] }).rebuild).toMatchObject({
      verdict: 'impossible',
      error: 'TablespaceNotEmpty',
      cause: expect.stringMatching(/something in \/fast\/a, \/fast\/b\.\n.*move \/fast\/a, \/fast\/b and \/.* away/),
    });
  });
});

describe('a person decides', () => {
  it.each<[string, NodeInspection, Partial<RejoinPrimary>]>([
    ['ForeignData', { ...stopped, control: { ...control, systemIdentifier: '8' } }, {}],
    ['ForeignData', { ...stopped, control: null, dataDirectory: { ...dataDirectory, systemIdentifier: '8' } }, {}],
    [
      'DataUnidentified',
      { ...stopped, control: null, dataDirectory: { ...dataDirectory, systemIdentifier: null } },
      {},
    ],
    [
      'DataDirectoryNotEmpty',
      { ...stopped, dataDirectory: { ...dataDirectory, state: 'other', sample: ['photos'] } },
      {},
    ],
    ['WrongPostgresVersion', { ...stopped, dataDirectory: { ...dataDirectory, majorVersion: '9.6' } }, {}],
    ['PortInUse', { ...stopped, portTakenBy: 'nginx (process 1)' }, {}],
    ['TwoPrimaries', { ...running, server: { ...server, inRecovery: false, followers: 1 } }, {}],
    ['NodeAheadOfPrimary', { ...stopped, control: { ...control, timeline: 3 }, diverged }, { followers: 0 }],
  ])('%s', (name, inspection, overrides) => {
    expect(() => plan(inspection, overrides)).toThrow(expect.objectContaining({ name }));
    expect(() => plan(inspection, overrides)).toThrow(/Nothing was changed/);
  });

  it('not about a later timeline than that of a primary that others follow', () => {
    expect(plan({ ...stopped, control: { ...control, timeline: 3 }, diverged }).method).toBe('rewind');
  });
});
