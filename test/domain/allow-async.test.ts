/** Writing without standbys: when it may be allowed, where the debt begins, and when it may end. */
import { describe, expect, it } from 'vitest';
import type { Allowance, AllowanceOnRecord } from '../../lambdas/contract/allowance.ts';
import type { NodeFacts } from '../../lambdas/contract/observation.ts';
import { allowAsyncInputSchema } from '../../lambdas/contract/runbook-inputs.ts';
import { planAllowAsync } from '../../lambdas/domain/allow-async.ts';
import { planResumeSync } from '../../lambdas/domain/resume-sync.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const now = new Date('2020-01-06T07:20:00.000Z');
const execution = 'arn:aws:states:us-east-1:123456789012:execution:pg-sync-allow-async:one';
const request = { minutes: 60, reason: 'disks', execution };
const allowance: Allowance = {
  primary: master,
  since: '2020-01-06T07:00:00.000Z',
  until: '2020-01-06T08:00:00.000Z',
  lsn: '0/4000000',
  reason: 'disks',
  execution,
  automatic: false,
};

type Changes = Record<string, Partial<NodeInWorld>>;
const refused: Partial<NodeInWorld> = { seen: 'refused', streams: false };
const noStandby: Changes = { [slave01]: refused, [slave02]: refused };
const facts = (changes: Partial<NodeFacts>): Partial<NodeInWorld> => ({ facts: changes });
const noRule = facts({ synchronousStandbyNames: '' });

const allow = (changes: Changes, current: AllowanceOnRecord = null, of = cluster) =>
  planAllowAsync(of, observe(of, world(of, changes)), current, request, now);
const resume = (changes: Changes, current: AllowanceOnRecord = allowance, blockWrites = false, at = now) =>
  planResumeSync(cluster, observe(cluster, world(cluster, changes)), current, { blockWrites }, at);

describe('allowing', () => {
  it('lets commits return on the primary, and records since when, until when and why', () => {
    expect(allow(noStandby)).toMatchObject({
      primary: master,
      allowance: {
        primary: master,
        since: '2020-01-06T07:20:00.000Z',
        until: '2020-01-06T08:20:00.000Z',
        reason: 'disks',
        execution,
        automatic: false,
      },
    });
  });

  it('takes the node that is the primary now', () => {
    const promoted: Changes = { [master]: refused, [slave01]: { role: 'primary', streams: false }, [slave02]: refused };
    expect(allow({ ...promoted, [master]: { role: 'standby', ...refused } }).primary).toBe(slave01);
  });

  it.each<[string, string, Changes, (Allowance | null)?]>([
    ['NoPrimary', 'the primary does not answer', { [master]: refused, ...noStandby }],
    ['NoPrimary', 'every node is a standby', { [master]: { role: 'standby', streams: false } }],
    ['TwoPrimaries', 'two accept writes', { [slave01]: { role: 'primary', streams: false } }],
    ['NothingToAllow', 'a standby confirms commits', { [slave02]: refused }],
    ['NothingToAllow', 'commits wait for nobody as it is', { [master]: noRule, ...noStandby }],
    [
      'NothingToAllow',
      'commits wait for nobody, and the allowance was for another primary',
      { [master]: noRule },
      { ...allowance, primary: slave01 },
    ],
    ['NothingToAllow', 'a commit has just begun to wait', { [master]: facts({ blockedSessions: waiting(0.2) }) }],
  ])('is refused with %s when %s', (error, _when, changes, current = null) => {
    expect(() => allow(changes, current)).toThrow(expect.objectContaining({ name: error }));
  });

  it('helps too when a standby is connected and does not confirm', () => {
    expect(allow({ [master]: facts({ blockedSessions: waiting(20) }) }).primary).toBe(master);
  });

  it('needs as many standbys as the rule, not just any', () => {
    const two = { ...cluster, replication: { ...cluster.replication, count: 2 } };
    expect(allow({ [slave02]: refused }, null, two).primary).toBe(master);
  });

  it('extends an allowance that is in force, and keeps when and where the debt began', () => {
    expect(allow({ [master]: noRule, ...noStandby }, allowance).allowance).toMatchObject({
      since: allowance.since,
      lsn: allowance.lsn,
      until: '2020-01-06T08:20:00.000Z',
    });
  });

  it('replaces an allowance that cannot be read, and finds anew where the debt begins', () => {
    const replaced = { since: '2020-01-06T07:20:00.000Z', lsn: '0/5000000', until: '2020-01-06T08:20:00.000Z' };
    expect(allow({ [master]: noRule, ...noStandby }, 'unreadable').allowance).toMatchObject(replaced);
    expect(allow(noStandby, 'unreadable').allowance).toMatchObject(replaced);
  });

  it('knows what the policy has started', () => {
    const automatic = { ...request, execution: `${execution.slice(0, -3)}auto-allow-async-20200106` };
    const plan = planAllowAsync(cluster, observe(cluster, world(cluster, noStandby)), null, automatic, now);
    expect(plan.allowance.automatic).toBe(true);
  });

  it('says how many commits return, and that none was cancelled', () => {
    const { summary } = allow({ ...noStandby, [master]: facts({ blockedSessions: waiting(20) }) });
    expect(summary).toContain('1 commit that waited returned. None was cancelled.');
  });

  it.each([
    { minutes: 0, reason: 'x' },
    { minutes: 1441, reason: 'x' },
    { minutes: 1.5, reason: 'x' },
    { minutes: 60 },
    { minutes: 60, reason: ' ' },
    { minute: 60, reason: 'x' },
  ])('takes no input such as %j', (input) => {
    expect(allowAsyncInputSchema.safeParse(input).success).toBe(false);
  });
});

describe('the durability debt begins where the standbys ended', () => {
  const lsn = '0/9000000';
  const slots = (...retained: (number | null)[]) =>
    [slave01, slave02].map((name, index) => ({
      name,
      active: false,
      retainedBytes: retained[index] ?? null,
      walStatus: null,
    }));
  const debt = (changes: Changes, of = cluster) => allow(changes, null, of).allowance.lsn;
  const two = { ...cluster, replication: { ...cluster.replication, count: 2 } };

  it('as the slots remember, when no standby is connected', () => {
    expect(debt({ ...noStandby, [master]: facts({ lsn, slots: slots(0x1000, 0x200000) }) })).toBe('0/8FFF000');
    expect(debt({ ...noStandby, [master]: facts({ lsn, slots: slots(0x1000, 0x200000) }) }, two)).toBe('0/8E00000');
  });

  it('as a standby says itself that has lost its connection', () => {
    const cutOff = { streams: false, facts: { lsn: '0/8FFFF00' } };
    expect(debt({ [slave01]: cutOff, [slave02]: refused, [master]: facts({ lsn, slots: slots(0x1000, 0) }) })).toBe(
      '0/9000000',
    );
    expect(debt({ [slave01]: cutOff, [slave02]: refused, [master]: facts({ lsn, slots: slots(0x1000, null) }) })).toBe(
      '0/8FFFF00',
    );
  });

  it('never beyond the primary, and at nothing where nothing is known', () => {
    const ahead = { streams: false, facts: { lsn: '0/A000000' } };
    expect(debt({ [slave01]: ahead, [slave02]: refused, [master]: facts({ lsn }) })).toBe('0/9000000');
    expect(debt({ ...noStandby, [master]: facts({ lsn, slots: [] }) })).toBe('0/0');
    const elsewhere = { streams: false, facts: { lsn, timeline: 2 } };
    expect(debt({ [slave01]: elsewhere, [slave02]: refused, [master]: facts({ lsn, slots: [] }) })).toBe('0/0');
  });
});

describe('returning', () => {
  const rule = 'FIRST 1 ("pg_sync_slave01","pg_sync_slave02")';

  it('sets the rule for the present primary when a standby has caught up', () => {
    expect(resume({ [master]: noRule, [slave01]: refused })).toMatchObject({
      primary: master,
      synchronousStandbyNames: rule,
      inForce: false,
      writesBlock: false,
      summary: [expect.stringContaining('pg_sync_slave02 has caught up'), expect.stringContaining('20 min')],
    });
    const promoted: Changes = {
      [master]: { role: 'standby', ...refused },
      [slave01]: { role: 'primary', streams: false, facts: { synchronousStandbyNames: '' } },
    };
    expect(resume(promoted).synchronousStandbyNames).toBe('FIRST 1 ("pg_sync_master","pg_sync_slave02")');
  });

  it('touches no host when the rule is in force already', () => {
    expect(resume({}).inForce).toBe(true);
    expect(resume({ [master]: facts({ synchronousStandbyNames: 'pg_sync_slave02' }) }).inForce).toBe(false);
    expect(resume({ [master]: facts({ synchronousCommit: 'local' }) }).inForce).toBe(false);
  });

  it.each<[string, Changes]>([
    ['none streams', noStandby],
    ['one catches up', { [slave01]: refused, [slave02]: { row: { state: 'catchup' } } }],
    ['one is far behind', { [slave01]: refused, [slave02]: { row: { flushLagBytes: 17 * 1024 * 1024 } } }],
    ['one has not reported yet', { [slave01]: refused, [slave02]: { row: { flushLagBytes: null } } }],
  ])('is refused while writes would block: %s', (_when, changes) => {
    expect(() => resume({ [master]: noRule, ...changes })).toThrow(expect.objectContaining({ name: 'TooFewStandbys' }));
    expect(resume({ [master]: noRule, ...changes }, allowance, true)).toMatchObject({ writesBlock: true });
  });

  it('lets writes block when the time is over, and says so', () => {
    const late = new Date(allowance.until);
    const plan = resume({ [master]: noRule, ...noStandby }, allowance, false, late);
    expect(plan).toMatchObject({ writesBlock: true, synchronousStandbyNames: rule });
    expect(plan.summary.join(' ')).toMatch(/and wait: .*none has caught up.*time that was allowed is over/);
  });

  it('ends an allowance that cannot be read: its time is not known to be over, so writes block only when asked', () => {
    expect(resume({ [master]: noRule }, 'unreadable')).toMatchObject({
      writesBlock: false,
      inForce: false,
      summary: [expect.stringContaining('caught up'), expect.stringContaining('could not be read and is removed')],
    });
    expect(resume({}, 'unreadable')).toMatchObject({ inForce: true });
    const blocking = () => resume({ [master]: noRule, ...noStandby }, 'unreadable');
    expect(blocking).toThrow(expect.objectContaining({ name: 'TooFewStandbys' }));
    expect(resume({ [master]: noRule, ...noStandby }, 'unreadable', true)).toMatchObject({ writesBlock: true });
  });

  it('is refused without one primary', () => {
    expect(() => resume({ [master]: refused })).toThrow(expect.objectContaining({ name: 'NoPrimary' }));
    const two = { [slave01]: { role: 'primary', streams: false } as const };
    expect(() => resume(two)).toThrow(expect.objectContaining({ name: 'TwoPrimaries' }));
  });
});

function waiting(oldestSeconds: number): NodeFacts['blockedSessions'] {
  return { count: 1, oldestSeconds, transactions: ['a'] };
}
