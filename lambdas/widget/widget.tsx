/**
 * The widget as CloudWatch takes it: one piece of HTML with its own style and no script. Whatever comes from PostgreSQL
 * or from users is text of an element or an attribute, which JSX escapes.
 */
import { raw } from 'hono/html';
import type { WidgetContext } from '../contract/widget.ts';
import type { DashboardView } from '../domain/dashboard-view.ts';
import { Icon } from './icons.tsx';
import { Lock, Runbooks } from './runbooks.tsx';
import { css } from './style.ts';
import { Topology } from './topology.tsx';
import { Trouble } from './trouble.tsx';

/** Below this, in pixels, the picture goes from top to bottom instead of from left to right. */
const narrowBelow = 680;

/** The HTML of the widget. */
export function renderWidget(view: DashboardView, { theme, width }: WidgetContext): string {
  return (<Widget view={view} classes={`pgw ${theme} ${width < narrowBelow ? 'narrow' : 'wide'}`} />).toString();
}

function Widget({ view, classes }: { view: DashboardView; classes: string }) {
  // Of several widgets on one page each has its own. A page that refreshes knows by them what is still the same.
  const id = `pgw-${view.cluster}`;
  return (
    <div id={id} class={classes} data-cluster={view.cluster} data-status={view.status.is}>
      {/* Tells CloudWatch that the widget brings its whole style. */}
      <div class="cwdb-no-default-styles" />
      <style>{raw(css)}</style>
      <Status view={view} />
      <Facts facts={view.facts} />
      {view.notices.map((notice) => (
        <p class="notice">
          <Icon tone="unknown" size={16} />
          <span>{notice}</span>
        </p>
      ))}
      {view.trouble !== null && <Trouble id={`${id}-trouble`} trouble={view.trouble} />}
      <section id={`${id}-nodes`}>
        <h3>Nodes</h3>
        <Topology topology={view.topology} />
      </section>
      {view.replication !== null && <Replication id={`${id}-replication`} replication={view.replication} />}
      <section id={`${id}-runbooks`}>
        <h3>Runbooks</h3>
        <Lock lock={view.lock} executions={view.executions} />
        <Runbooks id={`${id}-runbook`} runbooks={view.runbooks} />
      </section>
    </div>
  );
}

function Status({ view: { cluster, seen, status } }: { view: DashboardView }) {
  return (
    <header class={`status ${status.tone}`}>
      <Icon tone={status.tone} size={40} />
      <div>
        <p class="cluster">{cluster}</p>
        <h2>{status.words}</h2>
        <p class="meaning">{status.meaning}</p>
      </div>
      <p class="seen">Seen {seen}</p>
    </header>
  );
}

function Facts({ facts }: { facts: DashboardView['facts'] }) {
  return (
    <dl class="facts">
      {facts.map(({ name, value, tone }) => (
        <div class={tone ?? ''}>
          <dt>{name}</dt>
          <dd>
            {tone !== null && tone !== 'good' && <Icon tone={tone} size={16} />}
            <span>{value}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Replication({ id, replication }: { id: string; replication: NonNullable<DashboardView['replication']> }) {
  const { primary, rule, columns, rows } = replication;
  return (
    <section id={id}>
      <h3>Replication</h3>
      <p class="rule">
        <span>synchronous_standby_names</span> <code>{rule}</code>
      </p>
      {/* Can be scrolled without a mouse, too. */}
      <section class="scroll" tabindex={0} aria-label={`pg_stat_replication on ${primary}`}>
        <table>
          <caption>pg_stat_replication on {primary}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th scope="col">{column}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((cells) => (
              <tr>
                {cells.map((cell) => (
                  <td>{cell}</td>
                ))}
              </tr>
            ))}
            {rows.length === 0 && (
              <tr>
                <td colspan={columns.length}>No standby is connected.</td>
              </tr>
            )}
          </tbody>
        </table>
      </section>
    </section>
  );
}
