/** The widget's HTML: whatever PostgreSQL and users say stays text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WidgetContext } from '../../lambdas/contract/widget.ts';
import { utc, widgetEventSchema } from '../../lambdas/contract/widget.ts';
import { type DashboardView, dashboardView } from '../../lambdas/domain/dashboard-view.ts';
import { runbookLinks } from '../../lambdas/domain/runbook-links.ts';
import { renderWidget } from '../../lambdas/widget/widget.tsx';
import { Checks } from '../domain/checks.ts';
import { observe, world } from '../domain/observed.ts';
import { exampleCluster } from '../support/example-cluster.ts';

const cluster = exampleCluster();
const links = runbookLinks('us-east-1', 'arn:aws:states:us-east-1:123456789012:stateMachine:pg-sync-');
const context: WidgetContext = { theme: 'light', width: 1200, timezone: utc };

/** A view with something in each of its parts. */
function fullView(): DashboardView {
  const checks = Checks.ofHealthy(cluster);
  const lost = { seen: 'refused', streams: false } as const;
  const observation = observe(cluster, world(cluster, { pg_sync_slave01: lost }));
  checks.check(observation);
  const startedAt = checks.now;
  return dashboardView(
    cluster,
    {
      observation: { value: observation },
      checker: { value: checks.state },
      allowance: { value: null },
      lock: { problem: 'AccessDenied' },
      executions: { value: [{ arn: 'arn', runbook: 'setup', name: 'night', startedAt }] },
    },
    links,
    checks.now,
    utc,
  );
}

const view = fullView();

/** Keys of the view whose values are words of our own, chosen from a few. */
const ownWords = new Set(['tone', 'kind', 'role', 'is']);

/** The view with `text` in the place of every other string. */
function poisoned(part: unknown, text: string, key = ''): unknown {
  if (typeof part === 'string') return ownWords.has(key) ? part : text;
  if (Array.isArray(part)) return part.map((each) => poisoned(each, text));
  if (part === null || typeof part !== 'object') return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, poisoned(value, text, name)]));
}

const htmlWith = (text: string, where = context) => renderWidget(poisoned(view, text) as DashboardView, where);

/** The elements and the names of their attributes: what a browser makes of it, but for the text. */
function structure(html: string): string[] {
  return [
    ...html.replace(/<style>.*?<\/style>/s, '').matchAll(/<(\/?[\w-]+)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/g),
  ].map(
    ([, name, attributes = '']) =>
      `${name} ${[...attributes.matchAll(/([\w-]+)=?(?:"[^"]*")?/g)].map(([, key]) => key)}`,
  );
}

const brackets = (html: string) => html.match(/[<>]/g)?.length;

describe('the words of others', () => {
  it.each(['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', "' onmouseover='x", '&lt;b&gt;', '</style>'])(
    'stay text: %s',
    (text) => {
      const html = htmlWith(text);
      expect(html).not.toContain('<script');
      expect(html).not.toContain('<img');
      expect(structure(html)).toEqual(structure(htmlWith('words')));
    },
  );

  it('stay text, whatever they are', () => {
    const usual = htmlWith('words');
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', ' ', 'a', '`', '=', '\\'), { minLength: 1 }),
    );
    fc.assert(
      fc.property(hostile, (given) => {
        const text = `x${Array.isArray(given) ? given.join('') : given}`;
        const html = htmlWith(text);
        expect(brackets(html)).toBe(brackets(usual));
        expect(html.match(/"/g)?.length).toBe(usual.match(/"/g)?.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the widget', () => {
  it('has nothing that CloudWatch removes', () => {
    const html = htmlWith('words');
    expect(html).not.toMatch(/<(?:script|iframe|use|object|embed|foreignObject|link|base)\b/i);
    expect(html).not.toMatch(/\son\w+=|javascript:/i);
    // Nor anything that would have to be fetched.
    expect(html).not.toMatch(/\b(?:src|url\()/i);
  });

  it('takes the theme and the shape of its place', () => {
    expect(htmlWith('words', { ...context, theme: 'dark' })).toMatch(/^<div id="\S+" class="pgw dark wide"/);
    expect(htmlWith('words', { ...context, width: 360 })).toMatch(/^<div id="\S+" class="pgw light narrow"/);
  });

  it('says in words what its arrows and symbols show', () => {
    const html = renderWidget(view, context);
    for (const node of cluster.nodes) expect(html).toContain(`data-node="${node.name}"`);
    for (const [icon] of html.matchAll(/<svg class="icon[^>]*>/g)) expect(icon).toContain('aria-hidden="true"');
    const arrows = [...html.matchAll(/<svg role="img" aria-label="([^"]+)"/g)].map(([, label]) => label);
    expect(arrows).toHaveLength(2);
  });
});

describe('what CloudWatch sends', () => {
  it('may lack anything and hold anything', () => {
    const usual = { theme: 'light', width: 1200, timezone: utc };
    for (const event of [
      undefined,
      null,
      {},
      'x',
      { widgetContext: 7 },
      { widgetContext: { theme: 'pink', width: '1' } },
    ])
      expect(widgetEventSchema.parse(event)).toEqual({ describe: false, widgetContext: usual });
    const timezone = { label: 'CET', offsetInMinutes: 60, offsetISO: '+01:00' };
    expect(
      widgetEventSchema.parse({ any: 1, widgetContext: { theme: 'dark', width: 588, timezone, forms: {} } })
        .widgetContext,
    ).toEqual({ theme: 'dark', width: 588, timezone: { label: 'CET', offsetInMinutes: 60 } });
    expect(widgetEventSchema.parse({ describe: true }).describe).toBe(true);
  });
});
