/**
 * The page at `/`: the custom widgets of all dashboards of the assembly, made by their own functions as CloudWatch has
 * them made. The page itself is a frame that asks for them again and again.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import * as z from 'zod';
import { resourcesOf, type Stack } from '../assembly/load-assembly.ts';
import type { Functions } from '../functions/functions.ts';
import type { ControlHandler } from '../protocols/endpoint.ts';
import type { Answer } from '../protocols/json.ts';

/** A widget of a dashboard that is made by a function. */
interface CustomWidget {
  readonly id: string;
  readonly dashboard: string;
  readonly title: string;
  readonly functionArn: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const bodySchema = z.object({
  widgets: z.array(
    z.object({
      type: z.string(),
      properties: z
        .object({
          title: z.string(),
          endpoint: z.string(),
          params: z.record(z.string(), z.unknown()),
        })
        .partial(),
    }),
  ),
});

function customWidgets(stacks: readonly Stack[]): CustomWidget[] {
  return resourcesOf(stacks, 'AWS::CloudWatch::Dashboard').flatMap(({ resource }) => {
    const { widgets } = bodySchema.parse(JSON.parse(String(resource.properties.DashboardBody)));
    return widgets.flatMap(({ type, properties: { title = '', endpoint, params = {} } }, index) =>
      type !== 'custom' || endpoint === undefined
        ? []
        : [{ id: `widget-${index + 1}`, dashboard: resource.id, title, functionArn: endpoint, params }],
    );
  });
}

/** What CloudWatch tells a widget's function about the place that the widget has. */
function widgetContext(widget: CustomWidget, query: URLSearchParams): object {
  const offset = Number(query.get('offset') ?? 0);
  const sign = offset < 0 ? '-' : '+';
  const twoDigits = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return {
    dashboardName: widget.dashboard,
    widgetId: widget.id,
    accountId: widget.functionArn.split(':')[4] ?? '',
    locale: 'en',
    timezone: {
      label: query.get('zone') ?? 'UTC',
      offsetISO: `${sign}${twoDigits(offset / 60)}:${twoDigits(offset % 60)}`,
      offsetInMinutes: offset,
    },
    period: 300,
    isAutoPeriod: true,
    theme: query.get('theme') ?? 'light',
    linkCharts: true,
    title: widget.title,
    forms: { all: {} },
    params: widget.params,
    width: Number(query.get('width') ?? 1200),
    height: Number(query.get('height') ?? 800),
  };
}

/** The widget's HTML, or why there is none. */
async function make(functions: Functions, widget: CustomWidget, query: URLSearchParams): Promise<object> {
  const event = { ...widget.params, widgetContext: widgetContext(widget, query) };
  const result = await functions.invoke(widget.functionArn, JSON.stringify(event));
  return result.ok
    ? { title: widget.title, html: String(JSON.parse(result.payload)) }
    : { title: widget.title, problem: `${result.error.errorType}: ${result.error.errorMessage}` };
}

/** Nothing from elsewhere, no script but the page's own; widgets bring their style with them. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function answer(type: string, body: string): Answer {
  return {
    status: 200,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      'content-security-policy': policy,
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    },
    body,
  };
}

const file = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

function script(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'browser', 'page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

const wantsPage = (request: IncomingMessage) => request.headers.accept?.includes('text/html') === true;

/** `GET /` from a browser, and what its page asks for. */
export function pageRequests(stacks: readonly Stack[], functions: Functions): ControlHandler {
  const widgets = customWidgets(stacks);
  let builtScript: string | undefined;
  return async (request, path) => {
    if (request.method !== 'GET') return undefined;
    switch (path) {
      case '/':
        return wantsPage(request) ? answer('text/html', file('page.html')) : undefined;
      case '/_local/page.css':
        return answer('text/css', file('page.css'));
      case '/_local/page.js':
        builtScript ??= script();
        return answer('text/javascript', builtScript);
      case '/_local/widgets': {
        const query = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams;
        const made = await Promise.all(widgets.map((widget) => make(functions, widget, query)));
        return answer('application/json', JSON.stringify({ widgets: made }));
      }
      default:
        return undefined;
    }
  };
}
