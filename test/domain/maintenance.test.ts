import { describe, expect, it } from 'vitest';
import { parseInput } from '../../lambdas/adapters/parse.ts';
import { maintenanceInputSchema } from '../../lambdas/contract/runbook-inputs.ts';
import { assess } from '../../lambdas/domain/health.ts';
import { maintenanceReport, renderMaintenance, withMaintenance } from '../../lambdas/domain/maintenance.ts';
import { initialState } from '../../lambdas/domain/transitions.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { observe, world } from './observed.ts';

const cluster = exampleCluster();
const now = new Date('2026-11-22T03:00:00.000Z');
const asked = { minutes: 60, reason: 'new kernel' };
const down = { pg_sync_slave01: { seen: 'refused', streams: false } } as const;
const healthOf = (changes: Parameters<typeof world>[1]) => {
  const { memory } = Checks.ofHealthy(cluster).state;
  return assess(cluster, observe(cluster, world(cluster, changes)), memory, now);
};

describe('maintenance', () => {
  it('lasts as long as was asked for, from now on', () => {
    const state = withMaintenance(initialState(), asked, now);
    expect(state.maintenance).toEqual({ until: '2026-11-22T04:00:00.000Z', reason: 'new kernel' });
    expect(withMaintenance(state, { minutes: 5, reason: 'almost done' }, now).maintenance).toEqual({
      until: '2026-11-22T03:05:00.000Z',
      reason: 'almost done',
    });
  });

  it('that is ended early is over at once, and the next check says what is wrong', () => {
    const checks = Checks.ofHealthy(cluster);
    checks.state = withMaintenance(checks.state, asked, checks.now);
    const broken = observe(cluster, world(cluster, down));
    expect(checks.check(broken).events).toEqual([]);
    checks.state = withMaintenance(checks.state, { minutes: 0 }, checks.now);
    expect(maintenanceReport(checks.state, healthOf(down), checks.now)).toMatchObject({ until: null, reason: null });
    expect(checks.check(broken).events).toMatchObject([
      { kind: 'opened', findings: [{ kind: 'StandbyDown' }, {}], maintenance: { reason: 'new kernel' } },
    ]);
  });

  it('that is not there, or over already, cannot be ended: nothing is changed', () => {
    expect(withMaintenance(initialState(), { minutes: 0 }, now).maintenance).toBeNull();
    const over = withMaintenance(initialState(), asked, new Date(now.getTime() - 3_600_000));
    expect(withMaintenance(over, { minutes: 0 }, now)).toBe(over);
  });

  it('is reported with what is wrong now, or with why that cannot be seen', () => {
    const state = withMaintenance(initialState(), asked, now);
    const until = '2026-11-22T04:00:00.000Z';
    expect(maintenanceReport(state, healthOf({}), now)).toEqual({
      until,
      reason: 'new kernel',
      status: 'healthy',
      wrong: [],
    });
    expect(maintenanceReport(state, healthOf(down), now)).toMatchObject({
      until,
      status: 'degraded',
      wrong: [expect.stringContaining('pg_sync_slave01'), expect.any(String)],
    });
    expect(maintenanceReport(state, new Error('the observer failed'), now)).toMatchObject({
      until,
      status: 'unknown',
      wrong: ['the observer failed'],
    });
  });

  it('is told once, in a mail that says until when, why, and what is wrong', () => {
    const state = withMaintenance(initialState(), { minutes: 60, reason: '<!here> new\nkernel' }, now);
    const { subject, email, chatbot, json } = renderMaintenance(
      cluster,
      maintenanceReport(state, healthOf(down), now),
      now,
    );
    expect(subject).toBe('MAINTENANCE pg-sync: until 2026-11-22 04:00:00 UTC: <!here> new kernel');
    expect(email).toContain('No alerts are sent, and no runbook starts by itself, until 2026-11-22 04:00:00 UTC');
    expect(email).toMatch(/Wrong at this moment:\n- .*pg_sync_slave01/);
    expect(JSON.parse(chatbot)).toMatchObject({ version: '1.0', source: 'custom', content: { title: /./ } });
    expect(chatbot).not.toContain('<!here>');
    expect(JSON.parse(json)).toMatchObject({ version: 1, kind: 'maintenance', cluster: 'pg-sync', status: 'degraded' });

    const ended = withMaintenance(state, { minutes: 0 }, now);
    expect(renderMaintenance(cluster, maintenanceReport(ended, healthOf({}), now), now).subject).toBe(
      'MAINTENANCE pg-sync: ended before its time',
    );
  });
});

describe('the input of the maintenance runbook', () => {
  const parse = (input: unknown) => () => parseInput(maintenanceInputSchema, input, 'input of maintenance');

  it.each([
    asked,
    { minutes: 1, reason: 'x' },
    { minutes: 1440, reason: 'x', Comment: 'from the console' },
    { minutes: 0 },
  ])('may be %j', (input) => {
    expect(parse(input)).not.toThrow();
  });

  it.each([
    [{}, /minutes: must be a whole number of minutes from 1 to 1440, or 0 to end maintenance/],
    [{ minutes: 1441, reason: 'x' }, /minutes: must be/],
    [{ minutes: -1, reason: 'x' }, /minutes: must be/],
    [{ minutes: 1.5, reason: 'x' }, /minutes: must be/],
    [{ minutes: '60', reason: 'x' }, /minutes: must be/],
    [{ minutes: 60 }, /reason: must say why/],
    [{ minutes: 60, reason: '  ' }, /reason: must say why/],
    [{ minutes: 60, reason: 'x'.repeat(201) }, /reason: must say why/],
    [{ minutes: 60, reason: 'x', minuts: 5 }, /minuts/],
    ['60', /input: /],
  ])('may not be %j', (input, message) => {
    expect(parse(input)).toThrow(
      expect.objectContaining({ name: 'InvalidInput', message: expect.stringMatching(message) }),
    );
  });
});
