import { describe, expect, it } from 'vitest';
import { renderNotice } from '../../lambdas/domain/notices.ts';
import { runbookLinks } from '../../lambdas/domain/runbook-links.ts';
import { noticeOf, noticeOfEnd } from '../../lambdas/domain/runbook-notice.ts';
import { keepsQuiet } from '../../lambdas/domain/running-operation.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const notesCluster = exampleCluster();
const links = runbookLinks('us-east-1', 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-');
const execution = 'arn:aws:states:us-east-1:123456789012:execution:pg-sync-setup:one';
const operation = { owner: execution, epoch: 3, nodes: ['a', 'b'], input: { Comment: 'from the console' } };
const started = { phase: 'started', runbook: 'setup', execution, operation } as const;

describe('a runbook tells', () => {
  it('that it has started, what it was asked for, and where to watch it', () => {
    const asked = { ...operation, input: { node: 'pg_sync_slave01', reason: 'disk\u0007 replaced', Comment: 'no' } };
    const { subject, email, chatbot } = renderNotice(notesCluster, noticeOf({ ...started, operation: asked }), links);
    expect(subject).toBe('STARTED pg-sync: setup of pg_sync_slave01');
    expect(email).toContain('  reason: disk replaced\n');
    expect(email).not.toContain('Comment');
    expect(email).toContain(`#/v2/executions/details/${execution}\n`);
    expect(JSON.parse(chatbot)).toMatchObject({ version: '1.0', source: 'custom', metadata: { threadId: execution } });
  });

  it('what it has done', () => {
    const output = { summary: ['Rebuilt in 4 s.'], replication: [' usename', '(0 rows)'], primary: 'a' };
    const { subject, email } = renderNotice(notesCluster, noticeOf({ ...started, phase: 'succeeded', output }), links);
    expect(subject).toBe('DONE pg-sync: setup');
    expect(email).toContain('Rebuilt in 4 s.\n\n usename\n(0 rows)\n');
  });

  it('why it has failed, by the name of the error and in the words of its cause', () => {
    const outcome = { error: 'DiskTooSmall', cause: 'slave01: 3 MB free.\nFree some.' };
    const { subject, email, chatbot } = renderNotice(
      notesCluster,
      noticeOf({
        ...started,
        phase: 'failed',
        outcome: { ...outcome, cause: `${outcome.cause}${'x'.repeat(99_999)}` },
      }),
      links,
    );
    expect(subject).toBe('FAILED pg-sync: setup: DiskTooSmall');
    expect(email).toContain('\nslave01: 3 MB free.\nFree some.');
    expect(email.length).toBeLessThan(10_000);
    expect(chatbot.length).toBeLessThan(4_000);
  });

  it('that somebody stopped it', () => {
    const stateMachineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-setup';
    const end = { executionArn: execution, stateMachineArn, status: 'ABORTED' };
    expect(renderNotice(notesCluster, noticeOfEnd(notesCluster, end, null), links).subject).toBe(
      'STOPPED pg-sync: setup: ABORTED',
    );
    expect(() => noticeOfEnd(notesCluster, { ...end, stateMachineArn: 'arn:…:other-setup' }, null)).toThrow(RangeError);
  });
});

it('of a runbook that could not tell of itself, what ended it', () => {
  const stateMachineArn = 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-setup';
  const failure = { Error: 'States.DataLimitExceeded', Cause: 'The state/task returned a result …' };
  const notice = noticeOfEnd(notesCluster, { executionArn: execution, stateMachineArn, status: 'FAILED' }, failure);
  const { subject, email } = renderNotice(notesCluster, notice, links);
  expect(subject).toBe('FAILED pg-sync: setup: States.DataLimitExceeded');
  expect(email).toContain('The state/task returned a result');
});

describe('the checker keeps quiet', () => {
  const since = '2026-11-22T03:00:00.000Z';
  const later = (minutes: number) => new Date(Date.parse(since) + minutes * 60_000);

  it('while a runbook stops and starts PostgreSQL, for ten minutes at most', () => {
    expect(keepsQuiet({ owner: 'x', runbook: 'setup', since }, later(9))).toBe(true);
    expect(keepsQuiet({ owner: 'x', runbook: 'setup', since }, later(11))).toBe(false);
  });

  it('for nothing else', () => {
    expect(keepsQuiet(null, later(1))).toBe(false);
    expect(keepsQuiet({ owner: 'x', runbook: 'rejoin', since }, later(1))).toBe(false);
  });
});
