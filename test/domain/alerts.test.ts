/** What is read: on a lock screen, in a mail, in a channel, by a program. */

import { describe, expect, it } from 'vitest';
import type { AlertEvent } from '../../lambdas/contract/alerts.ts';
import { type Evidence, type Finding, type FindingKind, findingKinds } from '../../lambdas/contract/health.ts';
import { runbookNames } from '../../lambdas/contract/names.ts';
import { renderAlert } from '../../lambdas/domain/alerts.ts';
import { finding } from '../../lambdas/domain/finding-policy.ts';
import { ascii, chatText, plain, plainLine } from '../../lambdas/domain/plain-text.ts';
import { bytes, duration, list, waitingSessions } from '../../lambdas/domain/quantities.ts';
import { nextSteps } from '../../lambdas/domain/remedies.ts';
import { runbookLinks } from '../../lambdas/domain/runbook-links.ts';
import { exampleCluster } from '../support/example-cluster.ts';
import { Checks } from './checks.ts';
import { type NodeInWorld, observe, world } from './observed.ts';

const cluster = exampleCluster();
const [master, slave01, slave02] = ['pg_sync_master', 'pg_sync_slave01', 'pg_sync_slave02'];
const links = runbookLinks('us-east-1', 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-');
const down = { seen: 'refused', streams: false } as const;
const blocked = { facts: { blockedSessions: { count: 3, oldestSeconds: 12, transactions: ['a'] } } };

type Changes = Record<string, Partial<NodeInWorld>>;

/** The events of checks that see these worlds one after the other. */
function night(...worlds: Changes[]): AlertEvent[] {
  const checks = Checks.ofHealthy(cluster);
  return worlds.flatMap((changes) => checks.check(observe(cluster, world(cluster, changes))).events);
}

const render = (event: AlertEvent | undefined) => {
  if (event === undefined) throw new Error('there was no alert');
  return renderAlert(cluster, event, links);
};
const subjects = (...worlds: Changes[]) => night(...worlds).map((event) => render(event).subject);

describe('subjects', () => {
  it('read as the story of a night', () => {
    expect(
      subjects({ [slave01]: down }, { [slave01]: down, [slave02]: down, [master]: blocked }, { [slave01]: down }, {}),
    ).toEqual([
      'WARNING pg-sync: pg_sync_slave01 is down, pg_sync_slave02 is synchronous now',
      'CRITICAL pg-sync: writes blocked, no synchronous standby (+2 more)',
      'BETTER pg-sync: writes flow again, pg_sync_slave01 is down, pg_sync_slave02 is synchronous now',
      'RECOVERED pg-sync: all well again after 30 s, no writes for 20 s',
    ]);
    expect(subjects({ [master]: down, [slave01]: { streams: false }, [slave02]: { streams: false } }, {})).toEqual([
      'CRITICAL pg-sync: primary pg_sync_master is down',
      'RECOVERED pg-sync: all well again after 10 s, no writes for 10 s',
    ]);
  });

  it('are ASCII of at most 100 characters, whatever the cluster is called', () => {
    const [event] = night({ [slave01]: down });
    if (event === undefined) throw new Error('there was no alert');
    const long = { ...event, findings: event.findings.map((each) => ({ ...each, title: `é\n${'長'.repeat(200)}` })) };
    expect(renderAlert(cluster, long, links).subject).toMatch(/^WARNING pg-sync: [ -~]{0,83}$/);
  });
});

it('a mail says what happened, what it means, what to do, and shows the evidence', () => {
  const [event] = night({ [slave01]: down, [slave02]: down, [master]: blocked });
  const { email } = render(event);
  expect(email).toBe(`CRITICAL pg-sync: writes blocked, no synchronous standby (+2 more)

WHAT HAPPENED
- A commit needs 1 standby, and none streams. 3 sessions wait, the oldest for 12 s.
- PostgreSQL does not run on pg_sync_slave01 (refused: refused 192.168.168.134), and the primary has no walsender for it.
- PostgreSQL does not run on pg_sync_slave02 (refused: refused 192.168.168.135), and the primary has no walsender for it.

WHAT IT MEANS NOW
Reads work. Every commit waits (3 sessions now); none fails, and none is lost. They return as soon as enough standbys confirm them.

WHAT TO DO
Start the setup runbook: it starts stopped standbys. One that streams is enough to let the waiting commits return. Do not cancel waiting sessions: that commits them without a standby.
  Console: https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/statemachines/view/arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-setup
  Command: aws stepfunctions start-execution --region us-east-1 --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-setup --input '{}'
If no standby can be brought back soon: allow-async lets writes go on without one, for the minutes that you give. What is committed meanwhile is lost if pg_sync_master is lost. It ends by itself as soon as a standby has caught up.
  Console: https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/statemachines/view/arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-allow-async
  Command: aws stepfunctions start-execution --region us-east-1 --state-machine-arn arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-allow-async --input '{"minutes":60,"reason":"no standby can be brought back soon"}'

EVIDENCE
 usename | application_name | client_addr | sync_state
---------+------------------+-------------+------------
(0 rows)

3 sessions wait for a standby, the oldest for 12 s.
pg_sync_master   primary  accepts writes, timeline 1
pg_sync_slave01  standby  no answer (refused): refused 192.168.168.134
pg_sync_slave02  standby  no answer (refused): refused 192.168.168.135

Since 2020-01-06 07:09:43 UTC. Writes did not go through for 10 s. Incident pg-sync-20200106-070943.
`);
});

it('one session alone is not the oldest of several', () => {
  const one = { facts: { blockedSessions: { count: 1, oldestSeconds: 12, transactions: ['a'] } } };
  const { email } = render(night({ [slave01]: down, [slave02]: down, [master]: one })[0]);
  expect(email).toContain('none streams. 1 session waits, for 12 s.\n');
  expect(email).toContain('\n1 session waits for a standby, for 12 s.\n');
});

it('a recovery notice says how long it lasted and that nothing is left', () => {
  const event = night({ [slave01]: down }, {}).at(-1);
  expect(render(event).email).toContain('Every commit is confirmed by pg_sync_slave01; 1 more standby can be lost');
  expect(render(event).email).toContain('lasted 10 s.');
  expect(render(event).email).not.toContain('WHAT TO DO');
});

describe('a chat message', () => {
  const event = night({ [slave01]: down })[0];
  const notification = () => JSON.parse(render(event).chatbot);

  it('is a custom notification of Amazon Q, one thread per incident', () => {
    expect(notification()).toMatchObject({
      version: '1.0',
      source: 'custom',
      content: {
        textType: 'client-markdown',
        title: expect.stringMatching(/^WARNING pg-sync/),
        description: expect.any(String),
      },
      metadata: { threadId: 'pg-sync-20200106-070943', eventType: 'opened' },
    });
    expect(notification().content.nextSteps[1]).toMatch(/^Console: https:/);
  });

  it('mentions nobody and ends no code block, whatever PostgreSQL says', () => {
    if (event === undefined) throw new Error('there was no alert');
    const nasty = '<!channel> <@U123> @here @Everyone ``` & <https://evil|click>';
    const hostile = { ...event, findings: event.findings.map((each) => ({ ...each, message: nasty, title: nasty })) };
    const { content } = JSON.parse(renderAlert(cluster, hostile, links).chatbot);
    const [text] = content.description.split('```');
    for (const part of [text, content.title]) {
      expect(part).not.toMatch(/[<>`]|@(?:here|channel|everyone)/i);
      expect(part).toContain('&lt;!channel&gt;');
    }
    expect(content.description.match(/```/g)).toHaveLength(2);
  });
});

it('a program gets everything as data', () => {
  const event = night({ [slave01]: down })[0];
  expect(JSON.parse(render(event).json)).toMatchObject({
    version: 1,
    cluster: 'pg-sync',
    kind: 'opened',
    incident: 'pg-sync-20200106-070943',
    status: 'degraded',
    severity: 'warning',
    findings: [{ kind: 'StandbyDown', node: slave01 }, { kind: 'SynchronousStandbyChanged' }],
    omittedFindings: 0,
    evidence: { synchronous: { required: 1, standbys: [slave02] }, blocked: { count: 0 } },
    nextSteps: [{ runbook: 'rejoin', command: expect.stringContaining(`--input '{"node":"${slave01}"}'`) }],
  });
});

it('all forms together stay below what SNS takes, of 32 nodes with everything wrong', () => {
  const quote = '\\"<&\u{1F600}';
  const nodes = Array.from({ length: 32 }, (_, index) => `node${index}`);
  const [event] = night({ [slave01]: down });
  if (event === undefined) throw new Error('there was no alert');
  const huge: AlertEvent = {
    ...event,
    findings: nodes.flatMap((node) =>
      Array.from(
        { length: 17 },
        (_, index): Finding =>
          finding(
            'ConfigurationDrift',
            node,
            { title: quote.repeat(40), message: quote.repeat(200) },
            { detail: `${index}` },
          ),
      ),
    ),
    evidence: {
      ...event.evidence,
      table: Array.from({ length: 100 }, () => plainLine(quote.repeat(100), 200)),
      nodes: nodes.map((node) => ({ node, role: 'standby', state: plain(quote.repeat(100), 200) })),
    },
  };
  const { subject, email, chatbot, json } = renderAlert(cluster, huge, links);
  const message = JSON.stringify({ default: email, email, http: chatbot, https: chatbot, lambda: json, sqs: json });
  expect(Buffer.byteLength(message) + subject.length).toBeLessThan(256 * 1024);
  expect(JSON.parse(json).omittedFindings).toBeGreaterThan(0);
  expect(JSON.parse(chatbot)).toHaveProperty('content.description');
  expect(email.endsWith('\n')).toBe(true);
});

describe('what to do', () => {
  const evidence = night({ [slave01]: down })[0]?.evidence;
  const steps = (...findings: Finding[]) => {
    if (evidence === undefined) throw new Error('there was no alert');
    return nextSteps(cluster, findings, evidence);
  };
  const words = { title: 'x', message: 'x' };

  it.each(findingKinds)('is known for %s, and names no runbook that does not exist', (kind) => {
    const all = steps(finding(kind, slave01, words));
    expect(all).not.toHaveLength(0);
    for (const { text, runbook } of all) {
      expect(text.length).toBeGreaterThan(20);
      expect(text).not.toMatch(/undefined|null/);
      expect(runbook === null || runbookNames.includes(runbook.name)).toBe(true);
      expect(runbookNames.find((name) => new RegExp(`${name} runbook|${name} lets`).test(text))).toBe(runbook?.name);
    }
  });

  it('says first what happens by itself, where the policy has it', () => {
    const policy = { ...cluster.policy, failover: 'automatic', autoRejoin: true, whenNoStandby: 'degrade' } as const;
    const automatic = (...kinds: FindingKind[]) =>
      nextSteps(
        { ...cluster, policy },
        kinds.map((kind) => finding(kind, slave01, words)),
        night({ [slave01]: down })[0]?.evidence as Evidence,
      )
        .map(({ text }) => /^By itself \(policy (\w+)/.exec(text)?.[1])
        .filter((name) => name !== undefined);
    expect(automatic('PrimaryDown')).toEqual(['failover']);
    expect(automatic('WritesBlocked', 'StandbyDown')).toEqual(['whenNoStandby', 'autoRejoin']);
    expect(automatic('TwoPrimaries')).toEqual(['autoRejoin']);
    expect(automatic('StandbyUnreachable', 'ConfigurationDrift')).toEqual([]);
    expect(steps(finding('PrimaryDown', slave01, words)).some(({ text }) => text.startsWith('By itself'))).toBe(false);
  });

  it('is said once when it is the same for several findings', () => {
    const drift = (detail: string) => finding('ConfigurationDrift', slave01, words, { detail });
    expect(steps(drift('a'), drift('b'))).toHaveLength(1);
    expect(steps(finding('SlotMissing', slave01, words), finding('SlotMissing', slave02, words))).toHaveLength(1);
    // Of a standby, too: setup sets what every node has.
    expect(steps(drift('wal_keep_size'))).toMatchObject([{ runbook: { name: 'setup' } }]);
    // Each node rejoins by an execution of its own.
    expect(steps(finding('StandbyDown', slave01, words), finding('StandbyDown', slave02, words))).toHaveLength(2);
  });
});

describe('words', () => {
  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 kB'],
    [1536, '1.5 kB'],
    [64 * 1024 ** 2, '64 MB'],
    [8.1 * 1024 ** 3, '8.1 GB'],
  ])('%d bytes are %s', (count, text) => expect(bytes(count)).toBe(text));

  it.each([
    [0, '0 s'],
    [0.4, '0 s'],
    [59.6, '1 min'],
    [200, '3 min 20 s'],
    [3600, '1 h'],
    [7505, '2 h 5 min'],
    [86_400 * 4 + 3 * 3600 + 59, '4 d 3 h'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [1, 12, '1 session waits, for 12 s'],
    [1, 0.3, '1 session waits'],
    [3, 200, '3 sessions wait, the oldest for 3 min 20 s'],
  ])('%d sessions for %d seconds: %s', (count, seconds, text) => expect(waitingSessions(count, seconds)).toBe(text));

  it('lists read as lists', () => {
    expect([list([]), list(['a']), list(['a', 'b']), list(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });

  it('foreign text cannot leave its place', () => {
    expect(plain('a\r\nb\u0000\u001b[2J\u2028c\u202e  d', 50)).toBe('a b [2J c d');
    expect(plain('x'.repeat(60), 10)).toBe('xxxxxxx...');
    expect(ascii('Grün – \n ok', 50)).toBe('Gr?n ? ok');
    expect(plain('\ud800', 5)).toBe('\ufffd');
    expect(chatText('a<b>&`c` @Channel')).toBe("a&lt;b&gt;&amp;'c' @\u200bChannel");
  });
});
