/** The page at `/`: which functions it asks for widgets, and what it tells them. */
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Stack } from '../../local/assembly/load-assembly.ts';
import type { Functions } from '../../local/functions/functions.ts';
import { pageRequests } from '../../local/page/dashboard-page.ts';

const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** A stack with a dashboard of these widgets. */
function stackWith(name: string, ...widgets: object[]): Stack {
  const dashboard = {
    logicalId: 'Dashboard',
    type: 'AWS::CloudWatch::Dashboard',
    properties: { DashboardBody: JSON.stringify({ widgets }) },
    id: name,
    attributes: {},
    inert: false,
  };
  return { name, resources: [dashboard] } as unknown as Stack;
}

const custom = (name: string, params: object = {}) => ({
  type: 'custom',
  x: 0,
  properties: { title: `${name} now`, endpoint: arn(name), params, updateOn: { refresh: true } },
});

const stacks = [
  stackWith('orders', { type: 'text', properties: { markdown: '#' } }, custom('orders-widget', { any: 1 })),
  stackWith('broken', custom('broken-widget')),
  stackWith('without'),
];

const asked: { arn: string; event: { any?: number; widgetContext: object } }[] = [];
const functions = {
  async invoke(functionArn: string, payload: string) {
    asked.push({ arn: functionArn, event: JSON.parse(payload) });
    return functionArn === arn('broken-widget')
      ? { ok: false, error: { errorType: 'Error', errorMessage: 'no table', trace: [] } }
      : { ok: true, payload: JSON.stringify('<p>fine</p>') };
  },
} as unknown as Functions;

const handle = pageRequests(stacks, functions);
const get = (url: string, accept = '*/*', method = 'GET') =>
  handle({ method, url, headers: { accept } } as IncomingMessage, url.split('?')[0] ?? '', '');

describe('the dashboard page', () => {
  it('shows the custom widgets of every cluster, and of a failed one why', async () => {
    const answer = await get('/_local/widgets?theme=dark&width=640&height=900&offset=-210&zone=NST');
    expect(JSON.parse(String(answer?.body))).toEqual({
      widgets: [
        { title: 'orders-widget now', html: '<p>fine</p>' },
        { title: 'broken-widget now', problem: 'Error: no table' },
      ],
    });
    expect(asked.map((each) => each.arn)).toEqual([arn('orders-widget'), arn('broken-widget')]);
  });

  it('tells them what CloudWatch tells them', () => {
    expect(asked[0]?.event).toMatchObject({
      any: 1,
      widgetContext: {
        dashboardName: 'orders',
        widgetId: 'widget-2',
        accountId: '000000000000',
        theme: 'dark',
        width: 640,
        height: 900,
        timezone: { label: 'NST', offsetISO: '-03:30', offsetInMinutes: -210 },
        params: { any: 1 },
      },
    });
  });

  it('is a page for browsers, with its own script and style and nothing else', async () => {
    const page = await get('/', 'text/html,application/xhtml+xml');
    expect(page?.body).toContain('<script type="module" src="/_local/page.js">');
    expect(String((await get('/_local/page.js'))?.body)).not.toMatch(/^import /m);
    expect((await get('/_local/page.css'))?.headers['content-type']).toBe('text/css; charset=utf-8');
    for (const path of ['/', '/_local/page.js', '/_local/widgets']) {
      expect((await get(path, 'text/html'))?.headers['content-security-policy']).toContain("default-src 'none'");
    }
  });

  it('leaves every other request to others', async () => {
    expect(await get('/')).toBeUndefined();
    expect(await get('/', 'text/html', 'POST')).toBeUndefined();
    expect(await get('/_local/other')).toBeUndefined();
  });
});
